# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import RequestRejected
from gateway.http.arguments import parse
from gateway.plugins.request_transformer.schema import Config
from gateway.plugins.transformations.arguments import change_arguments, changes_of
from gateway.plugins.transformations.templates import Rendering, Templates
from tests.support.requests import request_of


def changed(query: bytes, **config: Any) -> bytes:
    templates = Templates(allowed=True)
    parts = {part: {"querystring": entries} for part, entries in config.items()}
    made = changes_of(Config.model_validate(parts), "querystring", templates)
    assert made is not None
    return change_arguments(query, made, Rendering(templates, request_of(b"/?" + query)))


@pytest.mark.parametrize(
    ("query", "config", "expected"),
    [
        (b"a=1&b=2&a=3", {"remove": ["a"]}, b"b=2"),
        (b"a=1&b=2", {"remove": ["a:x"]}, b"b=2"),
        (b"%61=1&b=%20+", {"remove": ["a"]}, b"b=%20+"),
        (b"a=1", {"remove": ["a"]}, b""),
        (b"a=1&b=2", {"rename": ["a:c"]}, b"c=1&b=2"),
        (b"a=1&b=2", {"rename": ["a:b"]}, b"b=1"),
        (b"b=2", {"rename": ["a:b"]}, b"b=2"),
        (b"a&b=2", {"rename": ["a:c d"]}, b"c%20d&b=2"),
        (b"a=1&b=2&a=3", {"replace": ["a:x y&z"]}, b"a=x%20y%26z&b=2"),
        (b"b=2", {"replace": ["a:x"]}, b"b=2"),
        (b"a=1", {"add": ["a:2", "b:3"]}, b"a=1&b=3"),
        (b"a=1", {"append": ["a:2"]}, b"a=1&a=2"),
        (b"", {"append": ["a:1", "a:2"]}, b"a=1&a=2"),
        # A name that is given twice is changed twice, in order.
        (b"a=1&b=2", {"remove": ["a", "a"]}, b"b=2"),
        (b"a=1&b=2", {"rename": ["a:c", "a:d"]}, b"c=1&b=2"),
        (b"a=1", {"replace": ["a:2", "a:3"]}, b"a=3"),
        (b"", {"add": ["a:1", "a:2"]}, b"a=1"),
        (b'a=<">|', {"add": ["b:1"]}, b'a=<">|&b=1'),
        (b"q=1", {"add": ["w:$(query_params.q)"], "remove": ["q"]}, b"w=1"),
    ],
)
def test_changes(query: bytes, config: dict[str, Any], expected: bytes) -> None:
    assert changed(query, **config) == expected


def test_too_many_arguments_are_refused() -> None:
    with pytest.raises(RequestRejected) as caught:
        changed(b"a&" * 20_000, remove=["a"])
    assert caught.value.status == 400


@settings(max_examples=50)
@given(st.binary(max_size=60).filter(lambda query: query.count(b"&") < 90))
def test_a_removed_argument_is_gone_however_it_is_written(query: bytes) -> None:
    assert "a" not in parse(changed(query, remove=["a"]))
