# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from tests.support.http import ReceivedResponse
from tests.support.policies import PolicyGateway, policy_gateway
from tests.support.upstream import answering, ok

METHODS = "GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT"


def cors(response: ReceivedResponse) -> dict[str, str]:
    """Return what a response says of origins, by the names without their beginning."""
    start = "access-control-"
    found = {
        name.removeprefix(start): value
        for name, value in response.headers.items()
        if name.startswith(start)
    }
    vary = [
        line.partition(b": ")[2].decode()
        for line in response.head.split(b"\r\n")
        if line.lower().startswith(b"vary: ")
    ]
    return {**found, **({"vary": ", ".join(vary)} if vary else {})}


async def preflight(gateway: PolicyGateway, *lines: str, origin: str = "http://o.test") -> Any:
    asked = (f"Origin: {origin}", "Access-Control-Request-Method: GET", *lines)
    return await gateway.ask("/", *asked, method="OPTIONS")


async def test_a_preflight_is_responded_to_and_not_passed_on() -> None:
    async with policy_gateway(("cors", {})) as gateway:
        response = await preflight(gateway)
        assert (response.status, response.body) == (200, b"")
        assert response.headers["content-length"] == "0"
        assert cors(response) == {"allow-origin": "*", "allow-methods": METHODS}
        assert gateway.seen == []


async def test_a_preflight_runs_before_authentication() -> None:
    async with policy_gateway(("cors", {}), ("key-auth", {})) as gateway:
        assert (await preflight(gateway)).status == 200
        response = await gateway.ask("/", "Origin: http://o.test")
        assert response.status == 401
        assert cors(response) == {"allow-origin": "*"}


async def test_everything_that_is_configured_is_in_a_preflights_response() -> None:
    config = {
        "origins": ["example.test"],
        "methods": ["GET", "PUT"],
        "headers": ["x-a", "x-b"],
        "exposed_headers": ["x-c"],
        "max_age": 23,
        "credentials": True,
    }
    async with policy_gateway(("cors", config)) as gateway:
        assert cors(await preflight(gateway)) == {
            "allow-origin": "example.test",
            "allow-methods": "GET,PUT",
            "allow-headers": "x-a,x-b",
            "allow-credentials": "true",
            "max-age": "23",
            "vary": "Origin",
        }


async def test_with_credentials_the_origin_itself_is_told() -> None:
    config = {"origins": ["*"], "credentials": True}
    async with policy_gateway(("cors", config)) as gateway:
        response = await preflight(gateway, origin="origin5.test")
        assert cors(response) == {
            "allow-origin": "origin5.test",
            "allow-credentials": "true",
            "allow-methods": METHODS,
            "vary": "Origin",
        }
        assert cors(await gateway.ask()) == {"allow-origin": "*"}


async def test_headers_that_a_page_asks_for_are_allowed_where_none_are_named() -> None:
    async with policy_gateway(("cors", {})) as gateway:
        response = await preflight(gateway, "Access-Control-Request-Headers: x-one, x-two")
        assert cors(response)["allow-headers"] == "x-one, x-two"


@pytest.mark.parametrize(
    "lines",
    [
        ("Origin: http://o.test",),
        ("Access-Control-Request-Method: GET",),
        ("Origin:", "Access-Control-Request-Method: GET"),
    ],
)
async def test_an_options_that_is_no_preflight_is_passed_on(lines: tuple[str, ...]) -> None:
    async with policy_gateway(("cors", {"preflight_continue": False})) as gateway:
        response = await gateway.ask("/", *lines, method="OPTIONS")
        assert response.body == b"hi"
        assert gateway.line.startswith("OPTIONS / ")


async def test_a_preflight_that_is_to_continue_gets_the_upstreams_headers_only() -> None:
    script = answering(ok(b"", b"Access-Control-Allow-Origin: http://theirs.test"))
    config = {"preflight_continue": True, "credentials": True}
    async with policy_gateway(("cors", config), script=script) as gateway:
        assert cors(await preflight(gateway)) == {"allow-origin": "http://theirs.test"}


@pytest.mark.parametrize(
    ("wanted", "config", "told"),
    [
        ("true", {"private_network": True}, "true"),
        ("false", {"private_network": True}, None),
        ("true", {}, None),
    ],
)
async def test_a_private_network(wanted: str, config: dict[str, Any], told: str | None) -> None:
    async with policy_gateway(("cors", config)) as gateway:
        response = await preflight(gateway, f"Access-Control-Request-Private-Network: {wanted}")
        assert cors(response).get("allow-private-network") == told


async def test_a_response_has_the_exposed_headers_and_no_more() -> None:
    config = {"exposed_headers": ["x-a", "x-b"], "headers": ["x-c"], "max_age": 5}
    async with policy_gateway(("cors", config)) as gateway:
        response = await gateway.ask("/", "Origin: http://o.test")
        assert cors(response) == {"allow-origin": "*", "expose-headers": "x-a,x-b"}


@pytest.mark.parametrize("origins", [["http://a.test", "http://b.test"], [r".*\.good\.test"]])
async def test_an_upstreams_word_for_an_origin_that_may_not_call_is_removed(
    origins: list[str],
) -> None:
    script = answering(ok(b"", b"Access-Control-Allow-Origin: *"))
    async with policy_gateway(("cors", {"origins": origins}), script=script) as gateway:
        response = await gateway.ask("/", "Origin: http://evil.test")
        assert cors(response) == {"vary": "Origin"}


async def test_an_upstreams_vary_stays_and_its_origin_is_replaced() -> None:
    lines = (b"Vary: Accept-Encoding", b"access-control-allow-origin: http://theirs.test")
    config = {"origins": ["http://a.test", "http://b.test"]}
    async with policy_gateway(("cors", config), script=answering(ok(b"", *lines))) as gateway:
        response = await gateway.ask("/", "Origin: http://b.test")
        assert cors(response) == {
            "allow-origin": "http://b.test",
            "vary": "Accept-Encoding, Origin",
        }
        assert response.head.lower().count(b"access-control-allow-origin") == 1


async def test_an_upstream_that_varies_by_origin_already_says_it_once() -> None:
    script = answering(ok(b"", b"Vary: accept, origin"))
    async with policy_gateway(("cors", {"origins": ["x.test"]}), script=script) as gateway:
        assert cors(await gateway.ask())["vary"] == "accept, origin"


async def test_without_an_origin_there_is_nothing_where_that_is_wanted() -> None:
    config = {"allow_origin_absent": False, "exposed_headers": ["x"]}
    async with policy_gateway(("cors", config)) as gateway:
        assert cors(await gateway.ask()) == {}
        assert cors(await gateway.ask("/", "Origin:")) == {}
        assert cors(await gateway.ask("/", "Origin: http://o.test"))["allow-origin"] == "*"


async def test_methods_that_are_null_or_empty_are_all() -> None:
    unset: list[Any] = [None, []]
    for methods in unset:
        async with policy_gateway(("cors", {"methods": methods})) as gateway:
            assert cors(await preflight(gateway))["allow-methods"] == METHODS


async def test_a_fraction_of_a_second_is_told_as_it_is() -> None:
    async with policy_gateway(("cors", {"max_age": 1.5})) as gateway:
        assert cors(await preflight(gateway))["max-age"] == "1.5"


async def test_a_preflight_is_of_the_route_that_takes_options() -> None:
    for methods, status in ((["POST"], 404), (["POST", "OPTIONS"], 200)):
        async with policy_gateway(("cors", {}), route={"methods": methods}) as gateway:
            assert (await preflight(gateway)).status == status
