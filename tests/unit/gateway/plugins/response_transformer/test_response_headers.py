# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.http.headers import Headers
from gateway.plugins.response_transformer.response_headers import ResponseHeaderChanges
from gateway.plugins.response_transformer.schema import Config

H: Headers = [(b"X-A", b"1"), (b"X-B", b"2"), (b"X-A", b"3")]


def changed(headers: Headers, **config: Any) -> Headers:
    parts = {part: {"headers": entries} for part, entries in config.items()}
    return ResponseHeaderChanges(Config.model_validate(parts)).apply(headers, 200)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"remove": ["x-a"]}, [(b"X-B", b"2")]),
        ({"rename": ["x-a:x-c"]}, [(b"X-B", b"2"), (b"x-c", b"1"), (b"x-c", b"3")]),
        ({"rename": ["x-a:x-b"]}, [(b"x-b", b"1"), (b"x-b", b"3")]),
        ({"rename": ["x-none:x-b"]}, H),
        ({"replace": ["x-a:n"]}, [(b"X-B", b"2"), (b"x-a", b"n")]),
        ({"replace": ["x-none:n"]}, H),
        ({"add": ["x-a:n", "x-c:n"]}, [*H, (b"x-c", b"n")]),
        ({"append": ["x-b:n", "x-b:m"]}, [*H, (b"x-b", b"n"), (b"x-b", b"m")]),
        # Each looks at the headers as they came, so of a name that is given twice the last counts.
        ({"add": ["x-c:m", "x-c:n"]}, [*H, (b"x-c", b"n")]),
        ({"replace": ["x-b:m", "x-b:n"]}, [(b"X-A", b"1"), (b"X-A", b"3"), (b"x-b", b"n")]),
        (
            {"rename": ["x-b:x-c", "x-b:x-d"]},
            [(b"X-A", b"1"), (b"X-A", b"3"), (b"x-c", b"2"), (b"x-d", b"2")],
        ),
        ({"remove": ["x-a"], "add": ["x-a:1"]}, [(b"X-B", b"2")]),
    ],
)
def test_changes(config: dict[str, Any], expected: Headers) -> None:
    assert changed(H, **config) == expected


@pytest.mark.parametrize("name", ["Content-Length", "Transfer-Encoding", "Connection", "Date"])
def test_framing_is_the_servers_business(name: str) -> None:
    held: Headers = [(name.encode(), b"1")]
    pairs = [f"{name}:2"]
    assert changed(held, remove=[name], rename=[f"{name}:x"], replace=pairs) == held
    assert changed([], add=pairs, append=pairs) == []


def test_a_value_is_one_line() -> None:
    assert changed([], add=["x-a:1\r\nx-b:2"]) == [(b"x-a", b"1  x-b:2")]
