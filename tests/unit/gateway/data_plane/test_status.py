# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from gateway.data_plane.metrics import NodeFigures
from gateway.data_plane.status import StatusApplication
from gateway.http.messages import Pending, Request, Response
from tests.support.http import run
from tests.support.requests import request_of


class StandIn:
    """A node that says what a test wants."""

    def __init__(self, reason: str = "ready", reports: list[dict[str, Any]] | None = None) -> None:
        self.draining = False
        self.reason = reason
        self._reports = reports or []

    def readiness(self) -> str:
        return "draining" if self.draining else self.reason

    def figures(self) -> NodeFigures:
        return NodeFigures("f" * 32, 1.0, 2, 2, 0, True, memory={"master": 1048576}, version="1.0")

    async def reports(self) -> list[dict[str, Any]]:
        await asyncio.sleep(0)
        return self._reports


def ask(
    node: StandIn, path: bytes, method: bytes = b"GET", body: bytes = b""
) -> tuple[int, dict[str, Any]]:
    found: list[Response] = []

    async def main() -> None:
        request: Request = request_of(path, method=method)
        request.body = body
        answer = StatusApplication(node).handle(request)
        found.append(await answer if isinstance(answer, Pending) else answer)

    run(main())
    (answer,) = found
    assert isinstance(answer.body, bytes)
    return answer.status, orjson.loads(answer.body) if answer.body[:1] == b"{" else {}


def test_a_ready_node_says_so() -> None:
    assert ask(StandIn(), b"/status/ready") == (200, {"message": "ready"})


def test_a_node_that_is_not_ready_says_why() -> None:
    reason = "no configuration available (configuration hash is not initialized)"
    assert ask(StandIn(reason), b"/status/ready") == (503, {"message": reason})


def test_draining_turns_readiness_off() -> None:
    node = StandIn()
    assert ask(node, b"/status/ready", b"POST", b'{"status":"draining"}')[0] == 204
    assert ask(node, b"/status/ready") == (503, {"message": "draining"})


@pytest.mark.parametrize("body", [b"", b"{}", b'{"status":"ready"}', b"[]", b"draining"])
def test_any_other_state_is_refused(body: bytes) -> None:
    node = StandIn()
    assert ask(node, b"/status/ready", b"POST", body)[0] == 400
    assert not node.draining


def test_status_has_kongs_fields_and_the_hash() -> None:
    counters = {"routes": {"r": {"codes": {"200": 2, "-404": 1}}}, "accepted": 5, "refused": 1}
    node = StandIn(reports=[{"counters": counters, "gauges": {"active": 3}}])
    status, body = ask(node, b"/status")
    assert status == 200
    assert body["configuration_hash"] == "f" * 32
    assert body["server"]["connections_accepted"] == 5
    assert body["server"]["connections_handled"] == 4
    assert body["server"]["connections_active"] == 3
    assert body["server"]["total_requests"] == 3
    assert body["memory"]["workers_lua_vms"][0]["http_allocated_gc"] == "1.00 MiB"


def test_status_answers_without_any_report() -> None:
    status, body = ask(StandIn(), b"/status")
    assert (status, body["server"]["total_requests"]) == (200, 0)


def test_metrics_are_prometheus_text() -> None:
    async def main() -> None:
        answer = StatusApplication(StandIn()).handle(request_of(b"/metrics"))
        assert isinstance(answer, Pending)
        response = await answer
        assert response.headers[0][1].startswith(b"text/plain; version=0.0.4")
        assert isinstance(response.body, bytes)
        assert b"kafka_gateway_workers 2" in response.body

    run(main())


def test_other_paths_and_methods_are_refused() -> None:
    assert ask(StandIn(), b"/nothing")[0] == 404
    assert ask(StandIn(), b"/status", b"DELETE")[0] == 405


def test_only_posts_have_a_body() -> None:
    application = StatusApplication(StandIn())
    assert application.begin(request_of(b"/status/ready", method=b"POST")) == 4096
    assert application.begin(request_of(b"/status")) == -2


def test_a_failure_is_an_answer() -> None:
    class Broken(StandIn):
        async def reports(self) -> list[dict[str, Any]]:
            raise ValueError

    assert ask(Broken(), b"/status")[0] == 500
