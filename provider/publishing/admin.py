# SPDX-License-Identifier: Apache-2.0
"""The input ``admin`` of a configuration: which control plane it is, and how it is reached."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gateway.http.json_api import JsonApi
from gateway.names.addresses import url_problem
from provider.fields import Problem
from provider.publishing.control_plane import ControlPlanePublisher
from provider.publishing.konnect import KonnectPublisher
from provider.publishing.port_forward import forwarded
from provider.publishing.publisher import DocumentPublisher
from provider.values import UNKNOWN, Properties


def check_admin(admin: Any) -> list[Problem]:
    """What is wrong with the input ``admin`` beyond its fields."""
    if admin == UNKNOWN:
        return []
    url = admin.get("url")
    if not url and admin.get("forward") is None:
        return [("admin.url", "is required, unless the Admin API is reached by admin.forward")]
    problem = url_problem(url) if url and url != UNKNOWN else ""
    return [("admin.url", problem)] if problem else []


@contextmanager
def publisher(admin: Properties) -> Iterator[DocumentPublisher]:
    """Yield the publisher for ``admin``; EndpointUnreachable when a port cannot be forwarded."""
    if admin.get("kind") == "konnect":
        yield KonnectPublisher(admin)
        return
    with admin_api(admin) as api:
        yield ControlPlanePublisher(api)


@contextmanager
def admin_api(admin: Properties) -> Iterator[JsonApi]:
    """Yield our own Admin API at ``admin``; EndpointUnreachable when a port cannot be forwarded."""
    headers = {"Kong-Admin-Token": admin["token"]} if admin.get("token") else {}
    if admin.get("url"):
        yield JsonApi(admin["url"], headers, admin.get("ca"))
        return
    with forwarded(admin["forward"]) as port:
        yield JsonApi(f"http://127.0.0.1:{port}", headers)
