# SPDX-License-Identifier: Apache-2.0
"""``/upstreams`` of the status API."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.data_plane.master.node_release import make_release
from gateway.data_plane.master.status import StatusApplication
from gateway.data_plane.master.upstream_health import UpstreamHealth
from gateway.data_plane.master.upstream_status import UpstreamStatus
from gateway.http.messages import Response
from tests.support.balancing import target_rows, upstream_row
from tests.support.requests import StandInConnection, request_of
from tests.unit.gateway.data_plane.master.test_status import StandIn

CHECKS = {"passive": {"unhealthy": {"tcp_failures": 1}}}


class Place:
    """A status API over one upstream."""

    def __init__(self, *targets: str | tuple[str, int], checks: dict[str, Any] = CHECKS) -> None:
        self.row = upstream_row(healthchecks=checks)
        self.targets = target_rows(self.row, targets)
        self.health = UpstreamHealth()
        table = {"upstreams": [self.row], "targets": self.targets}
        self.health.follow(make_release(table, "h"), {})
        api = UpstreamStatus(self.health, lambda: "node")
        self.application = StatusApplication(StandIn(), upstreams=api)

    def ask(self, path: str, method: bytes = b"GET", peer: str = "127.0.0.1") -> tuple[int, Any]:
        connection = StandInConnection()
        connection.peer = (peer, 40000)
        request = request_of(f"/upstreams/{path}".encode(), method=method, connection=connection)
        response = self.application.handle(request)
        assert isinstance(response, Response)
        assert isinstance(response.body, bytes)
        return response.status, orjson.loads(response.body) if response.body else None

    def word(self, number: int = 0) -> str:
        _, body = self.ask("pool.test/health")
        by_target = {one["target"]: one["health"] for one in body["data"]}
        return str(by_target[self.targets[number]["target"]])


async def test_health_is_shown_of_each_target_under_id_and_name() -> None:
    place = Place("10.0.0.1:80", ("10.0.0.2:80", 0))
    status, body = place.ask("pool.test/health")
    assert status == 200
    assert (body["next"], body["node_id"]) == (None, "node")
    assert {one["target"] for one in body["data"]} == {"10.0.0.1:80", "10.0.0.2:80"}
    assert body["data"][0]["upstream"] == {"id": place.row["id"]}
    assert place.ask(f"{place.row['id']}/health") == (status, body)


async def test_pages_lead_through_all_targets() -> None:
    place = Place(*(f"10.0.0.{number}:80" for number in range(1, 8)))
    for path in ("health", "targets", "targets/all"):
        seen: list[str] = []
        offset = ""
        while True:
            _, body = place.ask(f"pool.test/{path}?size=3{offset}")
            seen += [one["target"] for one in body["data"]]
            if "offset" not in body:
                assert body["next"] is None
                break
            assert body["next"].endswith(f"?offset={body['offset']}")
            offset = f"&offset={body['offset']}"
        assert len(seen) == len(set(seen)) == 7


async def test_the_health_of_a_target_is_set_by_hand() -> None:
    place = Place("10.0.0.1:80", "10.0.0.2:80")
    first = place.targets[0]["id"]
    for path, word in (
        (f"targets/{first}/unhealthy", "UNHEALTHY"),
        ("targets/10.0.0.1:80/healthy", "HEALTHY"),
        ("targets/10.0.0.1%3A80/10.0.0.1:80/unhealthy", "UNHEALTHY"),
        (f"targets/{first}/10.0.0.1:80/healthy", "HEALTHY"),
    ):
        assert place.ask(f"pool.test/{path}", b"POST") == (204, None)
        assert (place.word(0), place.word(1)) == (word, "HEALTHY")


async def test_port_8000_stands_for_none() -> None:
    place = Place("10.0.0.1")
    assert place.ask("pool.test/targets/10.0.0.1/10.0.0.1/unhealthy", b"PUT")[0] == 204
    assert place.word() == "UNHEALTHY"


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("other/health", b"GET", 404),
        ("pool.test", b"GET", 404),
        ("pool.test/targets/none", b"GET", 404),
        ("pool.test/targets/10.0.0.2:80", b"GET", 404),
        ("pool.test/targets/none/healthy", b"POST", 404),
        ("pool.test/targets/10.0.0.1:80/10.0.0.9:80/healthy", b"POST", 404),
        ("pool.test/targets/10.0.0.1:80/healthy", b"GET", 405),
        ("pool.test/targets/10.0.0.1:80/healthy", b"DELETE", 405),
        ("pool.test/health", b"POST", 405),
        ("pool.test/targets", b"POST", 405),
        ("pool.test/targets/10.0.0.1:80/other", b"POST", 404),
    ],
)
async def test_what_is_not_there_is_said(path: str, method: bytes, status: int) -> None:
    place = Place("10.0.0.1:80", ("10.0.0.2:80", 0))
    assert place.ask(path, method)[0] == status


async def test_without_checks_there_is_nothing_to_set() -> None:
    place = Place("10.0.0.1:80", checks={})
    status, body = place.ask("pool.test/targets/10.0.0.1:80/unhealthy", b"POST")
    assert (status, body) == (400, {"message": "no healthchecker found for pool.test"})


async def test_others_than_this_machine_may_look_but_set_nothing() -> None:
    place = Place("10.0.0.1:80")
    assert place.ask("pool.test/health", peer="192.0.2.1")[0] == 200
    assert place.ask("pool.test/targets/10.0.0.1:80/unhealthy", b"POST", "192.0.2.1")[0] == 403
    assert place.word() == "HEALTHY"


async def test_a_slash_at_the_end_says_nothing_and_an_id_is_the_same_in_capitals() -> None:
    place = Place("10.0.0.1:80")
    assert place.ask("pool.test/health/") == place.ask("pool.test/health")
    assert place.ask("")[0] == place.ask("/")[0] == 404
    target = place.targets[0]["id"]
    shown = place.ask(f"pool.test/targets/{target}")
    assert place.ask(f"pool.test/targets/{target.upper()}/") == shown
