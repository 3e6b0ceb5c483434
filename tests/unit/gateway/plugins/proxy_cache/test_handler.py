# SPDX-License-Identifier: Apache-2.0
"""What is kept, for whom and how long; statuses and keys are Kong's where the rule is the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.errors import NodeStoreUnavailable
from gateway.plugins.node_store import LocalStore
from gateway.plugins.proxy_cache import PLUGIN
from tests.support.caching import CONSUMER, Cached, header


@pytest.fixture
def cached(monkeypatch: pytest.MonkeyPatch) -> Cached:
    return Cached(monkeypatch)


async def test_a_response_is_given_again_with_its_age_and_key(cached: Cached) -> None:
    status, first = await cached.ask()
    assert status == "Miss"
    assert header(first, "Age") is None
    cached.now += 2.7
    status, second = await cached.ask()
    assert (status, second.status, second.body) == ("Hit", 200, b"{}")
    assert header(second, "Age") == "2"
    key = "1d7e8667a59fad030f140bebba5026121fe16fcb0038a148d4f14489cc0ebf5e"
    assert header(first, "X-Cache-Key") == header(second, "X-Cache-Key") == key
    assert cached.origin.asked == 1


async def test_the_age_is_counted_from_the_upstreams_own_and_by_the_clock(cached: Cached) -> None:
    cached.origin.says(Age="100")
    await cached.ask()
    ages = []
    for _ in range(3):
        cached.now += 10
        ages.append(header((await cached.ask())[1], "Age"))
    assert ages == ["110", "120", "130"]


@pytest.mark.parametrize(
    ("method", "status", "kind", "expected"),
    [
        ("GET", 200, "application/json", ["Miss", "Hit"]),
        ("HEAD", 200, "application/json", ["Miss", "Hit"]),
        ("GET", 301, "text/plain", ["Miss", "Hit"]),
        ("GET", 404, "text/plain", ["Miss", "Hit"]),
        ("GET", 418, "text/plain", ["Bypass", "Bypass"]),
        ("GET", 200, "application/json; charset=utf-8", ["Bypass", "Bypass"]),
        ("GET", 200, "text/html", ["Bypass", "Bypass"]),
        ("POST", 200, "application/json", ["Bypass", "Bypass"]),
        ("OPTIONS", 200, "application/json", ["Bypass", "Bypass"]),
    ],
)
async def test_method_status_and_type_decide(
    cached: Cached, method: str, status: int, kind: str, expected: list[str]
) -> None:
    cached.origin.status, cached.origin.headers = status, [("Content-Type", kind)]
    assert await cached.statuses(method=method) == expected


async def test_a_response_without_a_type_is_not_kept(cached: Cached) -> None:
    cached.origin.headers = []
    assert await cached.statuses() == ["Bypass", "Bypass"]


async def test_get_and_head_are_kept_apart_and_head_keeps_its_length(cached: Cached) -> None:
    cached.origin.says(Content_Length="2")
    assert await cached.statuses() == ["Miss", "Hit"]
    cached.origin.body = b""
    assert await cached.statuses(method="HEAD") == ["Miss", "Hit"]
    assert header((await cached.ask(method="HEAD"))[1], "Content-Length") == "2"
    assert header((await cached.ask())[1], "Content-Length") is None


async def test_partial_and_conditional_responses_are_never_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cached = Cached(monkeypatch, response_code=[200, 206, 304, 412, 416])
    for status in (206, 304, 412, 416):
        cached.origin.status = status
        assert await cached.statuses() == ["Bypass", "Bypass"]


async def test_when_its_time_is_over_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    cached = Cached(monkeypatch, cache_ttl=2)
    await cached.ask()
    cached.now += 3
    assert await cached.statuses() == ["Miss", "Hit"]


async def test_what_stays_in_the_store_beyond_its_time_is_refreshed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cached = Cached(monkeypatch, cache_ttl=2, storage_ttl=60)
    await cached.ask()
    cached.now += 3
    assert await cached.statuses() == ["Refresh", "Hit"]


async def test_consumers_callers_and_credentials_have_responses_of_their_own(
    cached: Cached,
) -> None:
    callers: list[dict[str, Any]] = [
        {},
        {"consumer": {"id": CONSUMER}},
        {"consumer": {"id": "another"}},
        {"headers": [("authorization", "Bearer a")]},
        {"headers": [("authorization", "Bearer b")]},
        {"credential": {"id": "1"}},
        {"authenticated_groups": ["admins"]},
        {"claims": {"sub": "ann"}},
    ]
    for caller in callers:
        assert await cached.statuses(**caller) == ["Miss", "Hit"], caller


async def test_hosts_and_rewritten_targets_are_kept_apart(cached: Cached) -> None:
    requests: list[dict[str, Any]] = [
        {},
        {"host": b"other"},
        {"upstream_path": b"/other"},
        {"upstream_method": b"PUT"},
        {"upstream_host": b"third"},
    ]
    for one in requests:
        assert await cached.statuses(**one) == ["Miss", "Hit"], one


async def test_a_cookie_is_never_given_to_another(cached: Cached) -> None:
    cached.origin.says(Set_Cookie="session=1")
    assert await cached.statuses() == ["Bypass", "Bypass"]
    assert cached.origin.asked == 2


async def test_what_the_upstream_names_in_vary_tells_requests_apart(cached: Cached) -> None:
    cached.origin.says(Vary="Accept-Encoding, X-Tenant")
    gzip = [("accept-encoding", "gzip")]
    assert await cached.statuses(headers=gzip) == ["Miss", "Hit"]
    assert await cached.statuses() == ["Miss", "Hit"]
    assert await cached.statuses(headers=[*gzip, ("x-tenant", "a")]) == ["Miss", "Hit"]
    assert await cached.statuses(headers=gzip) == ["Hit", "Hit"]


async def test_an_encoded_body_goes_only_to_those_who_ask_for_it_so(cached: Cached) -> None:
    cached.origin.says(Content_Encoding="gzip")
    assert await cached.statuses(headers=[("accept-encoding", "gzip")]) == ["Miss", "Hit"]
    assert (await cached.ask())[0] == "Miss"


async def test_a_response_that_varies_by_everything_is_not_kept(cached: Cached) -> None:
    cached.origin.says(Vary="accept, *")
    assert await cached.statuses() == ["Bypass", "Bypass"]


async def test_bodies_of_requests_tell_them_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    cached = Cached(monkeypatch, request_method=["POST"])
    assert await cached.statuses(method="POST", body=b"1") == ["Miss", "Hit"]
    assert await cached.statuses(method="POST", body=b"2") == ["Miss", "Hit"]


async def test_headers_of_the_connection_and_of_a_limit_are_not_given_again(
    cached: Cached,
) -> None:
    cached.origin.says(
        Connection="close", X_RateLimit_Remaining_Minute="3", RateLimit_Remaining="3", X_A="1"
    )
    cached.origin.says(X_RateLimit_Limit_Minute="9", Date="then", X_Cache_Status="Hit")
    _, first = await cached.ask()
    assert [value for name, value in first.headers if name == b"X-Cache-Status"] == [b"Miss"]
    _, second = await cached.ask()
    assert header(second, "X-A") == "1"
    assert header(second, "X-RateLimit-Limit-Minute") == "9"
    for name in ("Connection", "RateLimit-Remaining", "Date"):
        assert header(second, name) is None
    names = [name.lower() for name, _ in second.headers]
    assert b"x-ratelimit-remaining-minute" not in names
    assert names.count(b"x-cache-status") == 1


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("max-age=2", "Refresh"),
        ("max-age=3", "Hit"),
        ("min-fresh=98", "Refresh"),
        ("min-fresh=97", "Hit"),
        ("no-store", "Bypass"),
        ("no-cache", "Bypass"),
        ("only-if-cached", "Hit"),
        ("max-age=nonsense", "Refresh"),
    ],
)
async def test_a_request_says_how_fresh_it_wants_it(
    monkeypatch: pytest.MonkeyPatch, said: str, expected: str
) -> None:
    cached = Cached(monkeypatch, cache_control=True)
    cached.origin.says(Cache_Control="max-age=100")
    await cached.ask()
    cached.now += 3
    assert (await cached.ask(headers=[("cache-control", said)]))[0] == expected


@pytest.mark.parametrize(
    ("said", "later", "request_says", "expected"),
    [
        ("max-age=10", 5, "", "Hit"),
        ("max-age=10", 11, "", "Refresh"),
        ("max-age=10", 11, "max-stale", "Hit"),
        ("max-age=10", 14, "max-stale=5", "Hit"),
        ("max-age=10", 16, "max-stale=5", "Refresh"),
        ("max-age=10, must-revalidate", 11, "max-stale", "Refresh"),
        ("s-maxage=10, max-age=1", 9, "", "Hit"),
        ("s-maxage=10, max-age=1", 11, "", "Refresh"),
        ("max-age=0", 0, "", "Bypass"),
        ("private, max-age=10", 0, "", "Bypass"),
        ("no-store", 0, "", "Bypass"),
        ("no-cache", 0, "", "Bypass"),
        ("public", 0, "", "Bypass"),
    ],
)
async def test_a_response_says_how_long_it_is_fresh(
    monkeypatch: pytest.MonkeyPatch, said: str, later: float, request_says: str, expected: str
) -> None:
    cached = Cached(monkeypatch, cache_control=True, storage_ttl=60)
    cached.origin.says(Cache_Control=said)
    await cached.ask()
    cached.now += later
    headers = [("cache-control", request_says)] if request_says else []
    assert (await cached.ask(headers=headers))[0] == expected


async def test_with_cache_control_a_request_with_authorization_passes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cached = Cached(monkeypatch, cache_control=True)
    cached.origin.says(Cache_Control="max-age=10")
    assert await cached.statuses(headers=[("authorization", "x")]) == ["Bypass", "Bypass"]


async def test_a_client_that_wants_only_what_is_there_gets_a_504(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cached = Cached(monkeypatch, cache_control=True)
    _, response = await cached.ask(headers=[("cache-control", "only-if-cached")])
    assert (response.status, response.body, cached.origin.asked) == (504, b"", 0)


async def test_the_headers_may_be_left_out_and_debugging_shows_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hidden = {"age": False, "X-Cache-Status": False, "X-Cache-Key": False}
    cached = Cached(monkeypatch, response_headers=hidden)
    names = ("Age", "X-Cache-Status", "X-Cache-Key")
    for _ in range(2):
        _, response = await cached.ask()
        assert [header(response, name) for name in names] == [None] * 3
    assert (await cached.ask(method="POST"))[0] is None
    _, response = await cached.ask(headers=[("kong-debug", "1")])
    assert all(header(response, name) is not None for name in names)


async def test_a_stream_is_kept_when_it_came_to_its_end(cached: Cached) -> None:
    cached.origin.body = _stream(b"ab", b"cd")
    assert (await cached.ask())[1].body == b"abcd"
    status, response = await cached.ask()
    assert (status, response.body) == ("Hit", b"abcd")


async def test_a_body_that_breaks_off_is_not_kept(cached: Cached) -> None:
    cached.origin.body = _stream(b"ab", broken=True)
    with pytest.raises(ConnectionResetError):
        await cached.ask()
    cached.origin.body = b"whole"
    assert (await cached.ask())[0] == "Miss"


async def test_a_body_that_is_too_long_passes_and_is_not_kept(
    cached: Cached, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.plugins.proxy_cache.handler.LARGEST", 3)
    for body in (_stream(b"ab", b"cd"), b"abcd"):
        cached.origin.body = body
        status, response = await cached.ask()
        assert (status, response.body) == ("Miss", b"abcd")
    assert (await cached.ask())[0] == "Miss"


async def test_removing_it_makes_the_next_request_a_miss(cached: Cached) -> None:
    await cached.ask()
    assert cached.nodes.clear("proxy-cache:") == 2
    assert await cached.statuses() == ["Miss", "Hit"]


async def test_without_its_store_it_lets_requests_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(LocalStore):
        async def get(self, key: str) -> bytes | None:
            raise NodeStoreUnavailable("gone")

    cached = Cached(monkeypatch, store=Broken())
    assert await cached.statuses() == ["Bypass", "Bypass"]


async def test_what_something_else_keeps_under_the_key_is_forgotten(cached: Cached) -> None:
    await cached.ask()
    for key in cached.nodes.keys("proxy-cache:"):
        cached.nodes.put(key, b"garbage", 60)
        assert (await cached.statuses(times=3))[1:] == ["Miss", "Hit"]


async def test_a_store_that_fails_while_keeping_costs_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken(LocalStore):
        async def put(self, key: str, value: bytes, ttl: float) -> bool:
            raise NodeStoreUnavailable("gone")

    assert await Cached(monkeypatch, store=Broken()).statuses() == ["Miss", "Miss"]


async def test_bodies_and_upgrades_that_stream_through_are_not_looked_up(cached: Cached) -> None:
    assert await cached.statuses(stream=_stream(b"a")) == ["Bypass", "Bypass"]
    assert await cached.statuses(upgrade=b"websocket") == ["Bypass", "Bypass"]


def test_on_a_route_that_writes_records_it_runs_before_them() -> None:
    assert PLUGIN.priority == 100
    assert PLUGIN.priority_in(True) > 752


async def _stream(*pieces: bytes, broken: bool = False) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    if broken:
        raise ConnectionResetError
