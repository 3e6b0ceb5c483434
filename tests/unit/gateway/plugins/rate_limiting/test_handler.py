# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.clock import Clock
from gateway.http.heads import HeadWriter
from gateway.http.messages import Request, Response
from gateway.kafka.pool import ProducerPool
from gateway.plugins.base import PluginContext
from gateway.plugins.rate_limiting import handler as module
from gateway.plugins.rate_limiting.handler import RateLimiting
from gateway.plugins.rate_limiting.schema import Config
from gateway.plugins.shared_counters import SharedCounters
from gateway.routing.router import Router
from tests.support.requests import StandInConnection, request_of, route_row

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


def limited(
    counters: SharedCounters | None = None, prefix: int = 64, **config: Any
) -> RateLimiting:
    pool: ProducerPool = None  # type: ignore[assignment]  # no plugin here writes records
    context = PluginContext(
        pool, lambda _: None, counters=counters or SharedCounters(), ipv6_prefix=prefix
    )
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
    assert isinstance(response, Response)
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


def test_callers_without_a_consumer_are_told_apart_by_their_credentials(clock: Time) -> None:
    plugin = limited(minute=1)
    ann, bob = asked(), asked()
    ann.credential, bob.credential = {"id": "ann@issuer"}, {"id": "bob@issuer"}
    assert statuses(plugin, ann, bob, ann, bob) == [200, 200, 429, 429]


@pytest.mark.parametrize(
    "other", [b"/limp/%78", b"//limp/x", b"/limp//x", b"/limp/./x", b"/a/../limp/x", b"/%6cimp/x"]
)
@pytest.mark.parametrize("path", ["/limp/x", "/limp/%78"])
def test_a_path_is_the_same_however_it_is_written(clock: Time, path: str, other: bytes) -> None:
    plugin = limited(minute=1, limit_by="path", path=path)
    assert statuses(plugin, asked(b"/limp/x"), asked(other, "10.0.0.2")) == [200, 429]
    by_route = asked(other, "10.0.0.3")
    by_route.match = Router([route_row(paths=["/"])]).match(by_route)
    assert statuses(plugin, by_route) == [429]


def by_service(number: str) -> Request:
    request = asked()
    row = route_row(paths=["/"])
    data = type("Plan", (), {"service": {"id": number}})
    request.match = Router([row], {row["id"]: data}).match(request)
    return request


@pytest.mark.parametrize("value", ["10.0.0.1", "2001:db8::/64", "header:10.0.0.1", "credential:x"])
def test_no_value_of_one_kind_counts_as_one_of_another(clock: Time, value: str) -> None:
    plugin = limited(minute=1, limit_by="header", header_name="x-tenant")
    named = asked(address="10.9.9.9", tenant=value)
    plain = [asked(address="10.0.0.1"), asked(address="2001:db8::1")]
    assert statuses(plugin, named, *plain, named) == [200, 200, 200, 429]
    credential = asked(address="10.9.9.9")
    credential.credential = {"id": value}
    consumer = asked(address="10.9.9.9")
    consumer.consumer = {"id": value}
    plugin = limited(minute=1)
    assert statuses(plugin, credential, consumer, *plain) == [200, 200, 200, 200]
    plugin = limited(minute=1, limit_by="service")
    assert statuses(plugin, by_service(value), *plain) == [200, 200, 200]


def test_headers_of_other_names_are_counted_apart(clock: Time) -> None:
    counters = SharedCounters()
    first = limited(counters, minute=1, limit_by="header", header_name="X-Tenant")
    other = limited(counters, minute=1, limit_by="header", header_name="Y-Tenant")
    again = limited(counters, minute=1, limit_by="header", header_name="x-tenant")
    request = request_of(headers=[(b"x-tenant", b"a"), (b"y-tenant", b"a")])
    assert [told(one, request)[0] for one in (first, other, again)] == [200, 200, 429]


def test_an_empty_header_is_a_value_and_a_long_one_is_kept_short(clock: Time) -> None:
    plugin = limited(minute=1, limit_by="header", header_name="x-tenant")
    empty = [request_of(headers=[(b"x-tenant", b"")]) for _ in range(2)]
    assert statuses(plugin, *empty, asked()) == [200, 429, 200]
    long = [asked(tenant="a" * 30_000 + end) for end in "ab"]
    assert statuses(plugin, *long, *long) == [200, 200, 429, 429]
    assert max(map(len, plugin._limits[0].table._counters)) < 100


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::1%eth1", True),
        ("fe80::1%eth0", "fe80::1", True),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("::ffff:a00:1", "10.0.0.1", True),
        ("64:ff9b::10.0.0.1", "10.0.0.1", True),
        ("64:ff9b::10.0.0.1", "64:ff9b::10.0.0.2", False),
        ("10.0.0.1", "10.0.0.2", False),
    ],
)
def test_a_client_of_ipv6_is_its_network(clock: Time, one: str, other: str, together: bool) -> None:
    plugin = limited(minute=1, limit_by="ip")
    expected = 429 if together else 200
    assert statuses(plugin, asked(address=one), asked(address=other)) == [200, expected]


def test_how_much_of_an_address_is_the_network_can_be_set(clock: Time) -> None:
    for prefix, expected in ((128, 200), (64, 429), (48, 429)):
        plugin = limited(minute=1, limit_by="ip", prefix=prefix)
        requests = [asked(address="2001:db8::1"), asked(address="2001:db8::2")]
        assert statuses(plugin, *requests) == [200, expected]
    plugin = limited(minute=1, limit_by="ip", prefix=48)
    assert statuses(plugin, asked(address="2001:db8::1"), asked(address="2001:db8:0:9::")) == [
        200,
        429,
    ]


def test_a_flood_of_values_costs_its_own_limit_only(clock: Time) -> None:
    memory = os.memfd_create("test")
    workers = [SharedCounters(memory, index, 2) for index in range(2)]
    flooded, quiet = (
        [limited(counters, minute=1, limit_by=by, header_name="x-tenant") for counters in workers]
        for by in ("header", "ip")
    )
    for number in range(196_608):
        flooded[0].access(asked(tenant=f"junk {number}"))
    addresses = [asked(address=f"10.0.{number}.1") for number in range(200)]
    assert set(statuses(quiet[0], *addresses)) == {200}
    assert set(statuses(quiet[1], *addresses)) == {429}
    os.close(memory)


def test_a_consumer_is_one_origin_wherever_it_comes_from(clock: Time) -> None:
    plugin = limited(minute=1)
    requests = [asked(address="10.0.0.1"), asked(address="10.0.0.2"), asked(address="10.0.0.2")]
    for request in requests[:2]:
        request.consumer = {"id": "ann"}
    assert statuses(plugin, *requests) == [200, 429, 200]


def test_a_limit_outlives_its_handler(clock: Time) -> None:
    counters = SharedCounters()
    assert statuses(limited(counters, minute=2), asked(), asked()) == [200, 200]
    assert statuses(limited(counters, minute=3, hour=9), asked(), asked()) == [200, 429]


def test_the_refusal_says_what_it_is_told_to_say(clock: Time) -> None:
    plugin = limited(minute=1, error_code=503, error_message="later", hide_client_headers=True)
    assert told(plugin) == (200, {})
    assert told(plugin) == (503, {})
    response = plugin.access(asked())
    assert isinstance(response, Response)
    assert isinstance(response.body, bytes)
    assert orjson.loads(response.body) == {"message": "later"}


def test_a_grpc_call_is_refused_as_grpc_does(clock: Time) -> None:
    plugin = limited(minute=6)
    calls = [request_of(headers=[(b"content-type", b"application/grpc+proto")]) for _ in range(7)]
    for call in calls[:6]:
        assert plugin.access(call) is None
    response = plugin.access(calls[6])
    assert isinstance(response, Response)
    assert response.status == 429
    # google.rpc.Code 8 is RESOURCE_EXHAUSTED.
    assert (b"grpc-status", b"8") in response.headers
    assert response.body == b""
    assert b"RateLimit-Remaining: 0" in calls[6].response_lines


def test_a_plugin_of_a_service_counts_over_its_routes(clock: Time) -> None:
    plugin = limited(minute=2, limit_by="service")
    assert [told(plugin, by_service("s"))[0] for _ in range(3)] == [200, 200, 429]
    assert told(plugin, by_service("t"))[0] == 200


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 40)), max_size=30))
def test_consumers_are_counted_apart_and_the_lines_say_the_seconds_that_are_left(
    steps: list[tuple[str, float]],
) -> None:
    """Whatever a plugin keeps at hand from one request to the next."""
    clock = Time()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "time", clock)
        plugin = limited(minute=4)
        counted: dict[tuple[str, float], int] = {}
        for name, seconds in steps:
            clock.now += seconds
            request = request_of()
            request.consumer = {"id": name}
            end = (clock.now // 60 + 1) * 60
            before = counted.get((name, end), 0)
            response = plugin.access(request)
            assert (response is None) is (before < 4)
            counted[name, end] = min(before + 1, 4)
            lines = dict(line.split(b": ") for line in request.response_lines.split(b"\r\n")[1:])
            assert lines[b"RateLimit-Remaining"] == b"%d" % (4 - counted[name, end])
            assert lines[b"RateLimit-Reset"] == b"%d" % max(1, int(end - clock.now))
