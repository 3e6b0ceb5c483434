# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from gateway.data_plane.master.metrics import NodeFigures
from gateway.data_plane.master.status import StatusApplication
from gateway.http.headers import Headers
from gateway.http.messages import Pending, Request, Response
from tests.support.http import run, until
from tests.support.requests import StandInConnection, request_of


class StandIn:
    """A node that says what a test wants."""

    def __init__(self, reason: str = "ready", reports: list[dict[str, Any]] | None = None) -> None:
        self.draining = False
        self.reason = reason
        self._reports = reports or []

    def set_draining(self, draining: bool) -> None:
        self.draining = draining

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
        outcome = StatusApplication(node).handle(request)
        found.append(await outcome if isinstance(outcome, Pending) else outcome)

    run(main())
    (outcome,) = found
    assert isinstance(outcome.body, bytes)
    return outcome.status, orjson.loads(outcome.body) if outcome.body[:1] == b"{" else {}


def test_a_ready_node_says_so() -> None:
    assert ask(StandIn(), b"/status/ready") == (200, {"message": "ready"})


def test_a_node_that_is_not_ready_says_why() -> None:
    reason = "no configuration available (configuration hash is not initialized)"
    assert ask(StandIn(reason), b"/status/ready") == (503, {"message": reason})


def test_draining_turns_readiness_off() -> None:
    node = StandIn()
    assert ask(node, b"/status/ready", b"POST", b'{"status":"draining"}')[0] == 204
    assert ask(node, b"/status/ready") == (503, {"message": "draining"})
    assert ask(node, b"/status")[1]["draining"] is True


def test_draining_can_be_taken_back() -> None:
    node = StandIn()
    assert ask(node, b"/status/ready", b"POST", b'{"status":"draining"}')[0] == 204
    assert ask(node, b"/status/ready", b"POST", b'{"status":"ready"}')[0] == 204
    assert ask(node, b"/status/ready") == (200, {"message": "ready"})
    assert ask(node, b"/status")[1]["draining"] is False


class Elsewhere(StandInConnection):
    """A caller on another machine."""

    def __init__(self, peer: str = "10.0.0.7", here: str = "10.0.0.5") -> None:
        super().__init__()
        self.peer = (peer, 40000)
        self.here = here


def drain_from(
    connection: StandInConnection, headers: Headers | None = None, token: str | None = None
) -> int:
    node = StandIn()
    request = request_of(
        b"/status/ready", method=b"POST", headers=headers or [], connection=connection
    )
    request.body = b'{"status":"draining"}'
    application = StatusApplication(node, lambda: token)
    statuses: list[int] = []

    async def main() -> None:
        outcome = application.handle(request)
        statuses.append((await outcome if isinstance(outcome, Pending) else outcome).status)

    run(main())
    assert node.draining is (statuses == [204])
    return statuses[0]


def test_only_this_machine_or_the_token_may_take_a_node_out_of_service() -> None:
    assert drain_from(Elsewhere()) == 403
    assert drain_from(Elsewhere("10.0.0.5")) == 204, "a pod that asks itself by its address"
    assert drain_from(Elsewhere("127.0.0.1")) == 204
    assert drain_from(Elsewhere("::ffff:127.0.0.1", "::1")) == 204
    given = [(b"kong-admin-token", b"planted")]
    assert drain_from(Elsewhere(), given, "planted") == 204
    assert drain_from(Elsewhere(), given, "other") == 403
    assert drain_from(Elsewhere(), given) == 403
    assert drain_from(StandInConnection(), given) == 403


async def test_wrong_tokens_are_slowed_and_the_right_one_is_not() -> None:
    application = StatusApplication(StandIn(), lambda: "planted")

    def drain(token: bytes) -> Response | Pending:
        headers = [(b"kong-admin-token", token)]
        request = request_of(
            b"/status/ready", method=b"POST", headers=headers, connection=Elsewhere()
        )
        request.body = b'{"status":"draining"}'
        return application.handle(request)

    responses: list[int] = []
    for number in range(30):
        pending = drain(b"guess-%d" % number)
        assert isinstance(pending, Pending)
        pending.then(lambda response: responses.append(response.status))
    # Ten are free, sixteen wait for their turn, four are turned away.
    await until(lambda: len(responses) >= 14)
    assert responses[:10] == [403] * 10
    assert 429 in responses
    assert len(responses) < 30
    good = drain(b"planted")
    assert isinstance(good, Response)
    assert good.status == 204


def test_a_forwarding_header_makes_no_client_local() -> None:
    claims = [(b"x-forwarded-for", b"127.0.0.1"), (b"x-real-ip", b"127.0.0.1")]
    assert drain_from(Elsewhere(), claims) == 403


@pytest.mark.parametrize(
    "header",
    [
        (b"origin", b"http://evil.example"),
        (b"sec-fetch-site", b"cross-site"),
        (b"host", b"evil.example"),
    ],
)
def test_a_page_in_a_browser_of_this_machine_may_not(header: tuple[bytes, bytes]) -> None:
    assert drain_from(StandInConnection(), [header]) == 403


async def test_scrapes_at_the_same_time_ask_the_workers_once() -> None:
    asked = []

    class Counting(StandIn):
        async def reports(self) -> list[dict[str, Any]]:
            asked.append(1)
            return await super().reports()

    application = StatusApplication(Counting())
    for _ in range(2):
        responses = [application.handle(request_of(b"/metrics")) for _ in range(50)]
        for outcome in responses:
            assert isinstance(outcome, Pending)
            assert (await outcome).status == 200
    assert len(asked) == 2


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"status":"off"}', b'{"status":[]}', b"[]", b"draining"]
)
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


def test_status_responds_without_any_report() -> None:
    status, body = ask(StandIn(), b"/status")
    assert (status, body["server"]["total_requests"]) == (200, 0)


async def test_metrics_are_prometheus_text() -> None:
    outcome = StatusApplication(StandIn()).handle(request_of(b"/metrics"))
    assert isinstance(outcome, Pending)
    response = await outcome
    assert response.headers[0][1].startswith(b"text/plain; version=0.0.4")
    assert isinstance(response.body, bytes)
    assert b"kafka_gateway_workers 2" in response.body


def test_other_paths_and_methods_are_refused() -> None:
    assert ask(StandIn(), b"/nothing")[0] == 404
    assert ask(StandIn(), b"/status", b"DELETE")[0] == 405


def test_only_posts_have_a_body() -> None:
    application = StatusApplication(StandIn())
    assert application.begin(request_of(b"/status/ready", method=b"POST")) == 4096
    assert application.begin(request_of(b"/status")) == -2


def test_a_failure_is_a_response() -> None:
    class Broken(StandIn):
        async def reports(self) -> list[dict[str, Any]]:
            raise ValueError

    assert ask(Broken(), b"/status")[0] == 500


def test_metrics_are_in_the_format_that_is_asked_for() -> None:
    found: list[Response] = []

    async def main() -> None:
        for accept in (b"text/plain", b"application/openmetrics-text; version=1.0.0"):
            request = request_of(b"/metrics", headers=[(b"accept", accept)])
            outcome = StatusApplication(StandIn()).handle(request)
            assert isinstance(outcome, Pending)
            found.append(await outcome)

    run(main())
    plain, modern = found
    assert dict(plain.headers)[b"Content-Type"] == b"text/plain; version=0.0.4; charset=utf-8"
    assert dict(modern.headers)[b"Content-Type"].startswith(b"application/openmetrics-text")
    assert isinstance(modern.body, bytes)
    assert modern.body.endswith(b"\n# EOF\n")


def test_traffic_is_told_by_route_to_callers_of_this_machine_alone() -> None:
    counted = {"shop\x1forders": {"codes": {"200": 3}, "latency": [3], "elapsed": 1.0}}
    node = StandIn(reports=[{"counters": {"routes": counted}, "gauges": {}}])
    status, body = ask(node, b"/traffic")
    assert status == 200
    assert (body["hash"], body["workers"], body["ready"]) == ("f" * 32, 2, 2)
    assert sum(body["routes"]["shop\x1forders"]["codes"].values()) == 3

    async def elsewhere() -> Response:
        request = request_of(b"/traffic")
        request.connection = connection = StandInConnection()
        connection.peer = ("192.0.2.7", 5)
        outcome = StatusApplication(node).handle(request)
        return await outcome if isinstance(outcome, Pending) else outcome

    assert asyncio.run(elsewhere()).status == 403


def test_a_slash_at_the_end_says_nothing() -> None:
    for path in (b"/status", b"/status/ready"):
        assert ask(StandIn(), path + b"/") == ask(StandIn(), path)
