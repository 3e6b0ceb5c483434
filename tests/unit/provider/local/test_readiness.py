# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import threading

import pytest

from provider.local.readiness import probe, wait_ready
from tests.support.fake_control_plane import FakeControlPlane
from tests.support.fixed_response import FixedResponse
from tests.support.ports import free_ports


def test_an_error_response_is_shown_with_its_message() -> None:
    with FakeControlPlane().running() as plane:
        reason = probe({"kind": "http", "url": f"{plane.url}/"})
    assert reason == f"{plane.url}/ answers 401: Unauthorized"


@pytest.mark.parametrize("kind", ["http", "tcp"])
def test_a_closed_port_is_named_with_the_reason(kind: str) -> None:
    (port,) = free_ports(1)
    reason = probe({"kind": kind, "port": port, "url": f"http://127.0.0.1:{port}/"})
    assert reason is not None
    assert str(port) in reason
    assert "(Connection refused)" in reason


def test_a_wait_ends_when_the_process_has_ended_or_the_operation_is_cancelled() -> None:
    ready = {"kind": "tcp", "port": free_ports(1)[0], "timeoutSeconds": 60}
    cancelled = threading.Event()
    assert wait_ready(ready, lambda: False, cancelled) == "it ended before it was ready"
    cancelled.set()
    assert "was cancelled while port" in (wait_ready(ready, lambda: True, cancelled) or "")


def test_who_redirects_is_there() -> None:
    with FixedResponse(status=302, headers={"Location": "/login"}).running() as server:
        assert probe({"kind": "http", "url": server.url}) is None
