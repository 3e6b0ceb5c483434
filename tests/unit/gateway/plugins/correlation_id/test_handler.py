# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.plugins.consumers import virtual
from gateway.plugins.correlation_id.handler import CorrelationId
from gateway.plugins.correlation_id.schema import Config
from tests.support.policies import policy_gateway
from tests.support.requests import request_of
from tests.support.upstream import answering, ok

NAME = "correlation-id"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


@pytest.mark.parametrize(
    ("generator", "pattern"),
    [
        ("uuid", UUID),
        ("uuid#counter", UUID + r"#\d+"),
        ("tracker", r"127\.0\.0\.1-\d+-\d+-\d+-\d+-\d{10}\.\d{3}"),
    ],
)
async def test_each_generator_makes_ids_of_its_form(generator: str, pattern: str) -> None:
    async with policy_gateway((NAME, {"generator": generator})) as gateway:
        for _ in range(2):
            response = await gateway.ask()
            assert "kong-request-id" not in response.headers
        found = [gateway.seen[place][0] for place in range(2)]
        ids = [re.findall(rb"\r\n(?i:kong-request-id): ([^\r]+)", head) for head in found]
        assert all(len(values) == 1 for values in ids)
        assert all(re.fullmatch(pattern, values[0].decode()) for values in ids)
        assert ids[0] != ids[1]


def test_the_counter_counts_by_one() -> None:
    handler = CorrelationId(Config(), None)  # type: ignore[arg-type]  # needs no context
    numbers = []
    for _ in range(3):
        request = request_of()
        handler.access(request)
        assert request.correlation_id is not None
        numbers.append(int(request.correlation_id.partition(b"#")[2]))
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


def test_requests_of_one_connection_are_counted_by_the_tracker() -> None:
    handler = CorrelationId(Config(generator="tracker"), None)  # type: ignore[arg-type]  # as above
    found = []
    for _ in range(2):
        request = request_of()
        handler.access(request)
        assert request.correlation_id is not None
        found.append(request.correlation_id.split(b"-")[3:5])
    assert found == [[found[0][0], b"1"], [found[0][0], b"2"]]


async def test_a_clients_id_is_kept_and_shown() -> None:
    async with policy_gateway((NAME, {"echo_downstream": True})) as gateway:
        response = await gateway.ask("/", "Kong-Request-ID: mine-1")
        assert gateway.header("kong-request-id") == ["mine-1"]
        assert response.headers["kong-request-id"] == "mine-1"


@pytest.mark.parametrize("value", ["", " ", "a b", "é", "x" * 257, "a\x0bb"])
async def test_what_is_no_id_is_replaced(value: str) -> None:
    async with policy_gateway((NAME, {"header_name": "X-Id", "generator": "uuid"})) as gateway:
        response = await gateway.ask("/", f"X-Id: {value}")
        if response.status == 400:
            return  # the server takes no such header at all
        assert re.fullmatch(UUID, gateway.header("x-id")[0])
        assert len(gateway.header("x-id")) == 1


async def test_the_longest_id_is_kept() -> None:
    async with policy_gateway((NAME, {})) as gateway:
        await gateway.ask("/", "Kong-Request-ID: " + "x" * 256)
        assert gateway.header("kong-request-id") == ["x" * 256]


@pytest.mark.parametrize("second", ["b", "x" * 300])
async def test_of_several_ids_the_first_is_the_only_one(second: str) -> None:
    async with policy_gateway((NAME, {"echo_downstream": True})) as gateway:
        response = await gateway.ask("/", "Kong-Request-ID: a", f"kong_request_id: {second}")
        assert response.headers["kong-request-id"] == "a"
        assert gateway.header("kong-request-id") == ["a"]
        assert gateway.header("kong_request_id") == []


async def test_an_id_that_the_upstream_shows_too_is_there_once() -> None:
    script = answering(ok(b"", b"kong-request-id: theirs"))
    async with policy_gateway((NAME, {"echo_downstream": True}), script=script) as gateway:
        response = await gateway.ask("/", "Kong-Request-ID: mine")
        assert response.head.lower().count(b"\r\nkong-request-id:") == 1
        assert response.headers["kong-request-id"] == "mine"


async def test_a_connection_header_does_not_take_the_id_away() -> None:
    async with policy_gateway((NAME, {"header_name": "X-Id"})) as gateway:
        await gateway.ask("/", "Connection: keep-alive, X-Id")
        assert len(gateway.header("x-id")) == 1


async def test_responses_of_other_plugins_show_it_as_well() -> None:
    echoing = (NAME, {"echo_downstream": True})
    async with policy_gateway(echoing, ("request-termination", {})) as gateway:
        response = await gateway.ask()
        assert response.status == 503
        assert re.fullmatch(UUID + r"#\d+", response.headers["kong-request-id"])


@settings(max_examples=50)
@given(st.binary(max_size=300))
def test_an_id_is_visible_ascii_whatever_came(value: bytes) -> None:
    handler = CorrelationId(Config(), None)  # type: ignore[arg-type]  # as above
    request = request_of(headers=[(b"kong-request-id", value)])
    handler.access(request)
    assert request.correlation_id is not None
    assert re.fullmatch(rb"[\x21-\x7e]{1,256}", request.correlation_id)
    assert request.header_values(b"kong-request-id") == [request.correlation_id]


@pytest.mark.parametrize("name", ["Kong-Request-ID", "X-Consumer-ID"])
def test_an_id_that_was_set_names_no_consumer(name: str) -> None:
    """The list of headers in which nobody claims to be anybody grows by it only where it may."""
    request = request_of(headers=[(b"accept", b"*/*")])
    came = request.unclaimed = request.headers
    CorrelationId(Config(header_name=name), None).access(request)  # type: ignore[arg-type]  # likewise
    assert came == [(b"accept", b"*/*")]
    assert (request.unclaimed is request.headers) is (name == "Kong-Request-ID")
    virtual("k").put_on(request)
    names = [pair[0] for pair in request.headers]
    assert names == [
        b"accept",
        *([name.lower().encode()] if name == "Kong-Request-ID" else []),
        b"x-credential-identifier",
    ]


async def test_an_id_can_be_what_a_limit_counts_by() -> None:
    limit = {"minute": 1, "limit_by": "header", "header_name": "Kong-Request-ID"}
    async with policy_gateway(("rate-limiting", limit), (NAME, {})) as gateway:
        again = [(await gateway.ask("/", "Kong-Request-ID: a")).status for _ in range(2)]
        assert again == [200, 429]
        # Without one of the client's each request has its own.
        assert [(await gateway.ask()).status for _ in range(2)] == [200, 200]
