# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.http.headers import Headers
from gateway.plugins.request_transformer.schema import Config
from gateway.plugins.transformations.headers import HeaderChanges
from gateway.plugins.transformations.templates import Rendering, Templates
from tests.support.requests import request_of

H: Headers = [(b"x-a", b"1"), (b"x-b", b"2"), (b"x-a", b"3")]


def changed(headers: Headers, **config: Any) -> Headers:
    templates = Templates(allowed=True)
    parts = {part: {"headers": entries} for part, entries in config.items()}
    request = request_of(host=b"h", headers=headers)
    HeaderChanges(Config.model_validate(parts), templates).apply(
        request, Rendering(templates, request)
    )
    return request.headers


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"remove": ["X-A"]}, [(b"x-b", b"2")]),
        ({"remove": ["x_a"]}, [(b"x-b", b"2")]),
        ({"remove": ["x-a:whatever"]}, [(b"x-b", b"2")]),
        ({"rename": ["x-a:X-C"]}, [(b"x-c", b"1"), (b"x-b", b"2"), (b"x-c", b"3")]),
        ({"rename": ["x-a:x-b"]}, [(b"x-b", b"1"), (b"x-b", b"3")]),
        ({"rename": ["x-none:x-b"]}, H),
        ({"rename": ["x-a:X-A"]}, H),
        ({"replace": ["x-a:n"]}, [(b"x-a", b"n"), (b"x-b", b"2")]),
        ({"replace": ["x-none:n"]}, H),
        ({"add": ["x-a:n", "X-C:n"]}, [*H, (b"x-c", b"n")]),
        ({"append": ["x-b:n"]}, [*H, (b"x-b", b"n")]),
        ({"append": ["x-c:1", "x-c:2"]}, [*H, (b"x-c", b"1"), (b"x-c", b"2")]),
        # In this order, whatever the order of the fields.
        (
            {"append": ["x-a:z"], "add": ["x-a:y"], "remove": ["x-a"]},
            [(b"x-b", b"2"), (b"x-a", b"y"), (b"x-a", b"z")],
        ),
    ],
)
def test_changes(config: dict[str, Any], expected: Headers) -> None:
    assert changed(H, **config) == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"remove": ["x-a", "X-A"]}, [(b"x-b", b"2")]),
        # What was renamed is not there any more.
        ({"rename": ["x-b:x-c", "x-b:x-d"]}, [(b"x-a", b"1"), (b"x-c", b"2"), (b"x-a", b"3")]),
        ({"rename": ["x-a:x-c", "x-b:x-c"]}, [(b"x-c", b"2")]),
        ({"replace": ["x-b:m", "x-b:n"]}, [(b"x-a", b"1"), (b"x-b", b"n"), (b"x-a", b"3")]),
        ({"add": ["x-c:m", "X-C:n"]}, [*H, (b"x-c", b"m")]),
        ({"append": ["x-b:m", "X-B:n"]}, [*H, (b"x-b", b"m"), (b"x-b", b"n")]),
        ({"add": ["x-c:m"], "append": ["x-c:n"]}, [*H, (b"x-c", b"m"), (b"x-c", b"n")]),
    ],
)
def test_a_name_that_is_given_twice_is_changed_twice_in_order(
    config: dict[str, Any], expected: Headers
) -> None:
    """As ``transform_headers`` of ``kong/plugins/request-transformer/access.lua`` (3.10) does."""
    assert changed(H, **config) == expected


@pytest.mark.parametrize(
    "name", ["Connection", "Content-Length", "transfer-encoding", "X-Forwarded-For", "upgrade"]
)
def test_what_is_made_anew_for_the_upstream_is_left_alone(name: str) -> None:
    held: Headers = [(name.lower().encode(), b"1")]
    pairs = [f"{name}:2"]
    found = changed(held, remove=[name], rename=[f"{name}:x"], replace=pairs, add=pairs)
    assert found == held
    assert changed([], add=pairs, append=pairs) == []


@settings(max_examples=30)
@given(st.binary(max_size=20))
def test_no_value_breaks_a_line(value: bytes) -> None:
    templates = Templates(allowed=True)
    config = Config(add={"headers": ["x-new:$(headers['x-from'])"]})  # type: ignore[arg-type]  # as JSON has it
    request = request_of(headers=[(b"x-from", value)])
    HeaderChanges(config, templates).apply(request, Rendering(templates, request))
    made = request.header(b"x-new")
    assert made is not None
    assert not set(b"\r\n\0") & set(made)
