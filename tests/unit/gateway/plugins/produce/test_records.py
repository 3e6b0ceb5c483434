# SPDX-License-Identifier: Apache-2.0
"""Cutting one request into records."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import RequestRejected
from gateway.plugins.consumers import Consumers
from gateway.plugins.kafka_upstream.schema import Config
from gateway.plugins.opentelemetry.passing import PassingTrace
from gateway.plugins.opentelemetry.trace import Trace
from gateway.plugins.produce.records import (
    SizeLimit,
    Topics,
    TracedHeaders,
    record_size,
    split_array,
    split_lines,
)
from tests.support.requests import request_of

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
SEPARATORS = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")])


@settings(max_examples=50)
@given(st.lists(VALUES, max_size=5), SEPARATORS)
def test_an_array_is_cut_between_its_elements(values: list[Any], how: tuple[str, str]) -> None:
    body = json.dumps(values, separators=how).encode()
    texts = list(split_array(body, 1000))
    assert texts == [json.dumps(value, separators=how).encode() for value in values]


@settings(max_examples=50)
@given(st.lists(VALUES, max_size=5))
def test_lines_are_cut_at_line_ends(values: list[Any]) -> None:
    texts = [json.dumps(value).encode() for value in values]
    assert list(split_lines(b"\r\n".join(texts), 1000)) == texts


def test_a_wrong_line_is_named() -> None:
    with pytest.raises(RequestRejected, match="line 3"):
        list(split_lines(b"1\n\n{\n", 1000))


@pytest.mark.parametrize("body", [b"", b"{}", b"[1", b"[1,]", b"[1] 2"])
def test_what_is_no_array_is_refused(body: bytes) -> None:
    with pytest.raises(RequestRejected):
        list(split_array(body, 1000))


@settings(max_examples=60)
@given(st.integers(0, 700), st.sampled_from(["passing", "recorded", "none"]), st.booleans())
def test_a_record_fits_with_the_headers_of_its_trace_or_is_refused(
    size: int, kind: str, goes_on: bool
) -> None:
    config = Config.model_validate(
        {
            "topic": "t",
            "bootstrap_servers": [{"host": "h", "port": 9092}],
            "headers": {"forward_http_headers_as_record_headers": goes_on},
        }
    )
    sizes = SizeLimit(500)
    headers = TracedHeaders(config, Topics(config, lambda _: None), Consumers(), sizes)
    request = request_of()
    value = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
    if kind == "passing":
        request.trace = PassingTrace(value, ("w3c",))
        request.passing = (("traceparent", value),)
    elif kind == "recorded":
        request.trace = Trace(b"1" * 32, b"2" * 16, True)
        request.trace.injected = [(b"traceparent", value)]
    expected = [("traceparent", value)] if goes_on and kind != "none" else []
    assert list(headers.of(request)) == expected
    fits = record_size(size, None, expected) <= 500
    with nullcontext() if fits else pytest.raises(RequestRejected, match="max_record_size"):
        assert list(headers.fitting(request, size)) == expected
    if request.passing and size <= headers.most_passing:
        assert fits
        assert list(request.passing) == expected
