# SPDX-License-Identifier: Apache-2.0
"""What comes in with a request and what goes on with it, at the upstream's end."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.policies import PolicyGateway, policy_gateway

NAME = "opentelemetry"
T16, T32, S = "a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
W3C = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])").fullmatch


async def passed(config: dict[str, Any], *lines: str) -> PolicyGateway:
    async with policy_gateway((NAME, config)) as gateway:
        assert (await gateway.ask("/", *lines)).status == 200
        return gateway


def context(gateway: PolicyGateway) -> tuple[str, str, str]:
    (value,) = gateway.header("traceparent")
    match = W3C(value)
    assert match is not None, value
    return match[1], match[2], match[3]


async def test_a_context_is_continued_with_a_span_of_its_own() -> None:
    gateway = await passed({}, f"traceparent: 00-{T32}-{S}-01", "tracestate: a=1")
    trace, span, flag = context(gateway)
    assert (trace, flag) == (T32, "01")
    assert span != S
    assert gateway.header("tracestate") == ["a=1"]


async def test_a_new_trace_has_the_requests_id() -> None:
    async with policy_gateway((NAME, {"sampling_rate": 1})) as gateway:
        response = await gateway.ask()
        trace, _, flag = context(gateway)
    assert trace == response.headers["x-kong-request-id"]
    assert flag == "01"


@pytest.mark.parametrize(
    "line",
    [f"traceparent: 01-{T32}-{S}-01", "traceparent: x", f"traceparent: 00-{'0' * 32}-{S}-01"],
)
async def test_what_is_no_context_is_replaced(line: str) -> None:
    trace, _, _ = context(await passed({}, line))
    assert trace != T32
    assert trace.strip("0")


async def test_a_context_that_comes_twice_is_none() -> None:
    line = f"traceparent: 00-{T32}-{S}-01"
    assert context(await passed({}, line, line))[0] != T32


async def test_a_client_that_does_not_sample_is_followed() -> None:
    gateway = await passed({"sampling_rate": 1}, f"traceparent: 00-{T32}-{S}-00")
    assert context(gateway)[::2] == (T32, "00")


@pytest.mark.parametrize(("rate", "flag"), [(0.6, "0"), (0.7, "1")])
async def test_the_id_decides_where_the_client_did_not(rate: float, flag: str) -> None:
    gateway = await passed({"sampling_rate": rate}, f"x-b3-traceid: {T32}", f"x-b3-spanid: {S}")
    assert gateway.header("x-b3-sampled") == [flag]


async def test_the_format_that_came_is_preserved() -> None:
    gateway = await passed({}, f"x-b3-traceid: {T16}", f"x-b3-spanid: {S}", "x-b3-sampled: 1")
    assert gateway.header("x-b3-traceid") == ["0" * 16 + T16]
    assert gateway.header("x-b3-parentspanid") == [S]
    assert gateway.header("x-b3-spanid") != [S]
    assert gateway.header("traceparent") == []
    single = await passed({}, f"b3: {T32}-{S}-1")
    (value,) = single.header("b3")
    assert value.startswith(T32)
    assert value.endswith(f"-1-{S}")
    (value,) = (await passed({}, f"b3: {T16}-{S}-1")).header("b3")
    assert value.startswith("0" * 16 + T16 + "-")
    assert value.endswith(f"-1-{S}")


async def test_only_what_is_named_is_extracted_and_what_is_to_go_goes() -> None:
    propagation = {"extract": ["w3c"], "inject": ["w3c"], "clear": ["X-B3-TraceId"]}
    gateway = await passed(
        {"propagation": propagation}, f"x-b3-traceid: {T32}", f"x-b3-spanid: {S}"
    )
    assert context(gateway)[0] != T32
    assert gateway.header("x-b3-traceid") == []
    assert gateway.header("x-b3-spanid") == [S]


async def test_several_formats_may_go_on() -> None:
    inject = ["preserve", "w3c", "datadog"]
    gateway = await passed(
        {"propagation": {"extract": ["w3c"], "inject": inject}}, f"traceparent: 00-{T32}-{S}-01"
    )
    assert context(gateway)[0] == T32
    assert gateway.header("x-datadog-trace-id") == [str(int(T16, 16))]


async def test_nothing_is_injected_where_nothing_is_to_be() -> None:
    line = f"traceparent: 00-{T32}-{S}-01"
    gateway = await passed({"propagation": {"extract": ["w3c"]}}, line)
    assert gateway.header("traceparent") == [line.partition(": ")[2]]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("preserve", {"b3"}),
        ("ignore", {"b3", "traceparent"}),
        ("jaeger", {"b3", "uber-trace-id"}),
        ("w3c", {"b3", "traceparent"}),
    ],
)
async def test_the_former_setting_still_counts(kind: str, names: set[str]) -> None:
    gateway = await passed({"header_type": kind}, f"b3: {T32}-{S}-1")
    found = {line.partition(": ")[0].lower() for line in gateway.raw}
    assert found & {"b3", "traceparent", "uber-trace-id"} == names
    if kind == "ignore":
        assert context(gateway)[0] != T32
        assert gateway.header("b3") == [f"{T32}-{S}-1"]


async def test_the_clients_connection_header_does_not_take_the_context_away() -> None:
    assert context(await passed({}, "Connection: traceparent"))
    gateway = await passed(
        {}, f"traceparent: 00-{T32}-{S}-01", "Connection: traceparent, keep-alive"
    )
    assert context(gateway)[0] == T32
