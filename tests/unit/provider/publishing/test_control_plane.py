# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from gateway.errors import EndpointUnreachable, ResourceError
from gateway.http.json_api import JsonApi
from provider.publishing.control_plane import ControlPlanePublisher
from provider.publishing.publisher import Publication, Published
from provider.publishing.releases import ReleaseApi
from tests.support.fake_control_plane import FakeControlPlane
from tests.support.fixed_response import FixedResponse
from tests.support.ports import free_ports
from tests.support.serving import serving


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


class NoSuchPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(404)
        self.end_headers()
        self.wfile.write(b'{"message":"no Route matched with those values"}')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


def test_what_has_no_such_page_is_no_control_plane_without_such_an_owner() -> None:
    with FakeControlPlane().running() as plane:
        own = JsonApi(plane.url, {"Kong-Admin-Token": plane.token})
        assert ControlPlanePublisher(own).owned("nobody") is None
    with serving(NoSuchPage) as url:
        other = ControlPlanePublisher(JsonApi(url))
        with pytest.raises(EndpointUnreachable, match=r"is no Admin API \(404: no Route matched"):
            other.owned("nobody")


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b'{"number":1}', b"<html>"])
def test_what_is_no_admin_api_of_ours_is_said_to_be_none(body: bytes) -> None:
    with FixedResponse(body).running() as other:
        publisher = ControlPlanePublisher(JsonApi(other.url))
        releases = ReleaseApi(JsonApi(other.url))
        calls: list[Callable[[], object]] = [
            lambda: publish(other.url, "", {}),
            lambda: publisher.owned("a"),
            releases.newest,
            lambda: releases.find(1),
            lambda: releases.hold("h"),
        ]
        for call in calls:
            with pytest.raises(ResourceError, match="is no Admin API of ours"):
                call()
