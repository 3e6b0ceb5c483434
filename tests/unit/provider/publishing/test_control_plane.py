# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import threading
from typing import Any

import pytest

from gateway.errors import ResourceError
from provider.http_api import JsonApi
from provider.publishing.control_plane import ControlPlanePublisher
from provider.publishing.publisher import Publication, Published
from tests.support.fake_control_plane import FakeControlPlane
from tests.support.ports import free_ports


def publish(url: str, token: str, document: dict[str, Any]) -> Published:
    publisher = ControlPlanePublisher(JsonApi(url, {"Kong-Admin-Token": token}))
    publication = Publication("ours", document, "", "a test", 0)
    return publisher.publish(publication, threading.Event(), lambda _: None)


def test_a_control_plane_that_is_just_starting_is_waited_for() -> None:
    (port,) = free_ports(1)
    plane = FakeControlPlane()
    releases: list[int] = []

    def run() -> None:
        releases.append(publish(f"http://127.0.0.1:{port}", plane.token, {}).release)

    publishing = threading.Thread(target=run)
    publishing.start()
    with plane.running(port):
        publishing.join()
    assert releases == [1]


def test_each_problem_of_a_refused_document_is_shown_at_its_property() -> None:
    with FakeControlPlane().running() as plane, pytest.raises(ResourceError) as caught:
        publish(plane.url, plane.token, {"services": {"a": {"retries": "many"}}})
    assert '\n  document.services["a"].retries: expected an integer' in str(caught.value)
