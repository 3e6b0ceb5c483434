# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.http.clock import Clock
from gateway.http.heads import HeadWriter
from gateway.http.messages import Request, Response
from gateway.kafka.pool import ProducerPool
from gateway.plugins.base import PluginContext
from gateway.plugins.rate_limiting import Config
from gateway.plugins.rate_limiting import handler as module
from gateway.plugins.rate_limiting.handler import RateLimiting
from gateway.plugins.tally import Tally
from tests.support.requests import StandInConnection, request_of

NOON = 1_800_000_000.0 - 1_800_000_000.0 % 86400 + 43200


class Time:
    """What the plugin takes for the time."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    found = Time()
    monkeypatch.setattr(module, "time", found)
    return found


def limited(tally: Tally | None = None, **config: Any) -> RateLimiting:
    pool: ProducerPool = None  # type: ignore[assignment]  # no plugin here writes records
    context = PluginContext(pool, lambda _: None, tally=tally or Tally())
    return RateLimiting(Config(**config), context)


def asked(path: bytes = b"/", address: str = "10.0.0.1", tenant: str = "") -> Request:
    connection = StandInConnection()
    connection.peer = (address, 1)
    headers = [(b"x-tenant", tenant.encode())] if tenant else []
    return request_of(path, headers=headers, connection=connection)


def told(plugin: RateLimiting, request: Request | None = None) -> tuple[int, dict[str, str]]:
    """Return the status of an answer, and its headers that tell of limits."""
    request = request or asked()
    response = plugin.access(request) or Response(200, [])
    head = HeadWriter(Clock(), ()).head(request, response, 0, True).decode()
    pairs = (line.partition(": ")[::2] for line in head.split("\r\n"))
    names = ("RateLimit", "X-RateLimit", "Retry-After")
    return response.status, {name: value for name, value in pairs if name.startswith(names)}


def statuses(plugin: RateLimiting, *requests: Request) -> list[int]:
    return [told(plugin, request)[0] for request in requests]


def test_so_many_pass_and_are_told_what_is_left(clock: Time) -> None:
    plugin = limited(minute=2)
    assert told(plugin) == (
        200,
        {
            "RateLimit-Limit": "2",
            "RateLimit-Remaining": "1",
            "RateLimit-Reset": "60",
            "X-RateLimit-Limit-Minute": "2",
            "X-RateLimit-Remaining-Minute": "1",
        },
    )
    clock.now += 20
    assert told(plugin)[1]["RateLimit-Remaining"] == "0"
    status, headers = told(plugin)
    assert status == 429
    assert headers["Retry-After"] == headers["RateLimit-Reset"] == "40"
    assert headers["X-RateLimit-Remaining-Minute"] == "0"


def test_the_next_window_begins_anew(clock: Time) -> None:
    plugin = limited(minute=1)
    assert statuses(plugin, asked(), asked()) == [200, 429]
    clock.now += 60
    assert statuses(plugin, asked(), asked()) == [200, 429]


def test_a_refused_request_is_not_counted_anywhere(clock: Time) -> None:
    plugin = limited(second=1, hour=3)
    assert statuses(plugin, asked(), asked(), asked()) == [200, 429, 429]
    clock.now += 1
    assert told(plugin)[1]["X-RateLimit-Remaining-Hour"] == "1"


def test_of_several_limits_the_tightest_is_told(clock: Time) -> None:
    headers = told(limited(second=5, hour=9))[1]
    assert (headers["RateLimit-Limit"], headers["RateLimit-Remaining"]) == ("5", "4")
    equal = told(limited(second=5, hour=5))[1]
    assert equal["RateLimit-Reset"] == "3600"


def test_months_and_years_follow_the_calendar(clock: Time) -> None:
    clock.now = 1_706_745_599.0  # 2024-01-31 23:59:59 UTC
    plugin = limited(month=1, year=2)
    assert statuses(plugin, asked(), asked()) == [200, 429]
    clock.now += 1
    assert statuses(plugin, asked(), asked()) == [200, 429]


@pytest.mark.parametrize(
    ("config", "apart"),
    [
        ({"limit_by": "ip"}, (asked(address="10.0.0.1"), asked(address="10.0.0.2"))),
        (
            {"limit_by": "header", "header_name": "X-Tenant"},
            (asked(tenant="a"), asked(tenant="b")),
        ),
        ({"limit_by": "path", "path": "/a"}, (asked(b"/a?x"), asked(b"/b"))),
    ],
)
def test_origins_are_counted_apart(
    clock: Time, config: dict[str, Any], apart: tuple[Request, Request]
) -> None:
    assert statuses(limited(minute=1, **config), *apart, *apart) == [200, 200, 429, 429]


def test_a_consumer_is_one_origin_wherever_it_comes_from(clock: Time) -> None:
    plugin = limited(minute=1)
    requests = [asked(address="10.0.0.1"), asked(address="10.0.0.2"), asked(address="10.0.0.2")]
    for request in requests[:2]:
        request.consumer = {"id": "ann"}
    assert statuses(plugin, *requests) == [200, 429, 200]


def test_a_limit_outlives_its_handler(clock: Time) -> None:
    tally = Tally()
    assert statuses(limited(tally, minute=2), asked(), asked()) == [200, 200]
    assert statuses(limited(tally, minute=3, hour=9), asked(), asked()) == [200, 429]


def test_the_refusal_says_what_it_is_told_to_say(clock: Time) -> None:
    plugin = limited(minute=1, error_code=503, error_message="later", hide_client_headers=True)
    assert told(plugin) == (200, {})
    assert told(plugin) == (503, {"Retry-After": "60"})
    response = plugin.access(asked())
    assert isinstance(response, Response)
    assert isinstance(response.body, bytes)
    assert orjson.loads(response.body) == {"message": "later"}
