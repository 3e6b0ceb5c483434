# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import threading
import time

import pytest

from gateway.errors import EndpointUnreachable
from provider.http_api import Answer, Api, quoted
from tests.support.fake_control_plane import FakeControlPlane
from tests.support.ports import free_ports


def test_any_status_is_an_answer_with_the_words_of_the_api() -> None:
    with FakeControlPlane().running() as plane:
        answer = Api(plane.url, {"Kong-Admin-Token": "wrong"}).request("GET", "/owners/x")
    assert (answer.status, answer.message) == (401, "401: Unauthorized")


def test_words_are_found_where_rfc_7807_puts_them() -> None:
    assert Answer(400, {"title": "t", "detail": "d"}).message == "400: d"
    assert Answer(502, None).message == "502"


def test_a_closed_port_is_named_with_the_reason() -> None:
    api = Api(f"http://127.0.0.1:{free_ports(1)[0]}")
    with pytest.raises(EndpointUnreachable, match=r"does not answer \(Connection refused"):
        api.request("GET", "/")


def test_an_api_that_is_just_starting_is_waited_for() -> None:
    (port,) = free_ports(1)
    plane = FakeControlPlane()
    answers: list[Answer] = []

    def ask() -> None:
        api = Api(f"http://127.0.0.1:{port}", {"Kong-Admin-Token": plane.token})
        answers.append(api.request_patiently("GET", "/owners/x", None, 5, 10, threading.Event()))

    asking = threading.Thread(target=ask)
    asking.start()
    with plane.running(port):
        asking.join()
    assert answers[0].status == 404


def test_cancelling_ends_the_wait() -> None:
    cancelled = threading.Event()
    cancelled.set()
    started = time.monotonic()
    with pytest.raises(EndpointUnreachable):
        Api(f"http://127.0.0.1:{free_ports(1)[0]}").request_patiently(
            "GET", "/", None, 5, 30, cancelled
        )
    assert time.monotonic() - started < 3


def test_a_proxy_in_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_ports(1)[0]}")
    with FakeControlPlane().running() as plane:
        assert Api(plane.url).request("GET", "/").status == 401


def test_the_token_is_not_in_the_text_of_an_api() -> None:
    assert "planted" not in repr(Api("http://x", {"Authorization": "planted"}))


def test_names_are_one_segment_of_a_path() -> None:
    assert quoted("a/b c") == "a%2Fb%20c"
