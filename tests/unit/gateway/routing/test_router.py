# SPDX-License-Identifier: Apache-2.0
"""Which route wins, attribute by attribute."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

import pytest

from gateway.routing.entry import SPLIT_NAMESPACE
from gateway.routing.router import Router
from tests.support.requests import StandInConnection, request_of, route_row

LOW, HIGH = (f"00000000-0000-4000-8000-00000000000{digit}" for digit in "12")


def _winner(routes: list[dict[str, Any]], **request: Any) -> str | None:
    router = Router(routes)
    match = router.match(request_of(request.pop("target", b"/"), **request))
    return None if match is None else match.route["name"]


def test_on_a_tie_the_greater_uuid_wins() -> None:
    routes = [route_row(id=HIGH, name="high", paths=["/a"]), route_row(id=LOW, paths=["/a"])]
    assert _winner(routes, target=b"/a") == "high"
    assert _winner(routes[::-1], target=b"/a") == "high"


def test_ties_of_split_routes_go_by_the_derived_id() -> None:
    rows = [route_row(id=LOW, name="low", paths=["/a", "/long"]), route_row(id=HIGH, paths=["/a"])]
    derived = uuid5(SPLIT_NAMESPACE, f"{LOW}#1")
    expected = "low" if derived > UUID(HIGH) else None
    assert _winner(rows, target=b"/a") == expected


def test_a_negative_regex_priority_loses_against_none() -> None:
    rows = [
        route_row(id=HIGH, name="below", paths=["~/a"], regex_priority=-1),
        route_row(id=LOW, name="zero", paths=["~/a.?"]),
    ]
    assert _winner(rows, target=b"/ab") == "zero"


@pytest.mark.parametrize(
    ("host", "listener", "found"),
    [
        (b"a.b:81", 8000, "port"),
        (b"a.b", 81, "port"),
        (b"a.b:80", 8000, None),
        (b"a.b", 8000, None),
        (b"x.y", 8000, "bare"),
        (b"X.Y:1234", 8000, "bare"),
        (None, 8000, None),
    ],
)
def test_a_host_with_port_needs_that_port(
    host: bytes | None, listener: int, found: str | None
) -> None:
    rows = [route_row(name="port", hosts=["a.b:81"]), route_row(name="bare", hosts=["x.y"])]
    connection = StandInConnection(port=listener)
    assert _winner(rows, host=host, connection=connection) == found


@pytest.mark.parametrize(
    ("host", "found"),
    [
        (b"a.route.com", True),
        (b"a.b.route.com", True),
        (b"route.com", False),
        (b".route.com", False),
    ],
)
def test_a_wildcard_stands_for_at_least_one_character(host: bytes, found: bool) -> None:
    rows = [route_row(name="wild", hosts=["*.route.com"])]
    assert _winner(rows, host=host) == ("wild" if found else None)


def test_header_names_take_dashes_for_underscores_and_values_ignore_case() -> None:
    rows = [route_row(name="h", headers={"X_My-Tag": ["One", "TWO"]})]
    assert _winner(rows, headers=[(b"x-my_tag", b"three"), (b"x-my-tag", b"two")]) == "h"
    assert _winner(rows, headers=[(b"x-my-tag", b"three")]) is None


def test_a_header_regex_is_searched_anywhere_in_lower_case() -> None:
    rows = [route_row(name="h", headers={"user-agent": ["~*LINUX|bsd$"]})]
    assert _winner(rows, headers=[(b"user-agent", b"X11; Linux x86")]) == "h"
    assert _winner(rows, headers=[(b"user-agent", b"bsd or not")]) is None


def test_remembered_matches_know_the_tested_headers() -> None:
    router = Router([route_row(name="h", headers={"tag": ["a"]}), route_row(name="p", paths=["/"])])
    for tag, name in ((b"a", "h"), (b"b", "p"), (b"a", "h")):
        match = router.match(request_of(headers=[(b"tag", tag)]))
        assert match is not None
        assert match.route["name"] == name


def test_server_names_count_only_over_tls() -> None:
    rows = [route_row(name="s", snis=["a.test."], protocols=["https"])]
    assert _winner(rows) == "s"
    assert _winner(rows, connection=StandInConnection("https", "A.test.")) == "s"
    assert _winner(rows, connection=StandInConnection("https", "b.test")) is None
    assert _winner(rows, connection=StandInConnection("https")) is None


@pytest.mark.parametrize("target", [b"/%ff", b"/a%c3", b"/\xff"])
def test_a_path_that_is_not_utf8_matches_nothing(target: bytes) -> None:
    assert _winner([route_row(paths=["/"]), route_row(methods=["GET"])], target=target) is None


def test_regexes_are_anchored_at_the_start_only() -> None:
    rows = [route_row(name="r", paths=[r"~/a/\d+"])]
    assert _winner(rows, target=b"/a/1/more") == "r"
    assert _winner(rows, target=b"/x/a/1") is None


@pytest.mark.parametrize(
    "target",
    [
        b"/pub..%2f..%2fadmin",
        b"/pub/..%2fadmin",
        b"/pub..%2fadmin",
        b"/pub..\\admin",
        b"/pub..;/admin",
        b"/pub.%5cadmin",
        b"/pub%2e%2e%252fadmin",
    ],
)
def test_dot_segments_that_only_an_upstream_sees_are_refused_or_allowed(target: bytes) -> None:
    rows = [route_row(name="p", paths=["/pub"], service_path="/base")]
    request = request_of(target)
    router = Router(rows)
    assert router.match(request) is None
    assert router.match(request) is None, "remembered"
    assert router.refuses(request)
    lenient = Router(rows, hidden_dots=True)
    assert lenient.match(request) is not None
    assert not lenient.refuses(request)


def test_a_segment_that_only_ends_in_dots_passes_where_nothing_is_cut_from_it() -> None:
    rows = [route_row(name="p", paths=["/pub"], strip_path=False)]
    assert _winner(rows, target=b"/pub..%2fadmin") == "p"


def test_a_path_that_hides_dots_is_refused_on_every_route_and_on_none() -> None:
    router = Router([route_row(hosts=["a.b"])])
    for host in (b"a.b", b"c.d"):
        request = request_of(b"/..%2fx", host=host)
        assert router.match(request) is None
        assert router.refuses(request)
    assert not router.refuses(request_of(b"/x%2fy"))
    assert not router.refuses(request_of(b"/%ff%2fy"))


def test_stream_routes_and_routes_of_disabled_services_are_left_out() -> None:
    rows = [
        route_row(paths=["/"], service_enabled=False),
        route_row(snis=["a.b"], protocols=["tls_passthrough"]),
        route_row(sources=[{"ip": "127.0.0.1", "port": None}], protocols=["tcp"]),
    ]
    assert _winner(rows) is None


def test_a_match_carries_service_data_and_paths() -> None:
    row = route_row(id=LOW, paths=["~/u/(?<id>[0-9]+)(x)?"], service_path="/base/")
    match = Router([row], {LOW: "chain"}).match(request_of(b"/u/7/rest%20of"))
    assert match is not None
    assert match.data == "chain"
    assert match.service == row["service"]
    assert match.prefix == b"/u/7"
    assert match.captures == {"1": b"7", "2": None, "id": b"7"}
    assert match.upstream_path == b"/base/rest%20of"


def test_a_match_without_strip_path_has_no_prefix() -> None:
    match = Router([route_row(paths=["/a"], strip_path=False)]).match(request_of(b"/a/b"))
    assert match is not None
    assert match.prefix is None
    assert match.captures == {}
    assert match.upstream_path == b"/a/b"


def test_memory_of_matches_is_bounded() -> None:
    router = Router([route_row(paths=["/"])])
    for number in range(20_000):
        router.match(request_of(b"/%d" % number))
    assert len(router._recent) + len(router._older) <= 2 * 8192
    router = Router([route_row(paths=["/"])])
    router.match(request_of(b"/" + b"a" * 300))
    assert not router._recent
