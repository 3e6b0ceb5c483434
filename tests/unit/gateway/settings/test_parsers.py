# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.settings import parsers as types


@pytest.mark.parametrize(
    ("text", "value"), [("on", True), ("TRUE", True), ("off", False), ("no", False), ("", False)]
)
def test_switches_have_kongs_words(text: str, value: bool) -> None:
    assert types.switch(text) is value


@pytest.mark.parametrize(
    ("text", "value"), [("8192", 8192), ("512k", 524288), ("1m", 1048576), ("2G", 2147483648)]
)
def test_sizes_have_nginx_units(text: str, value: int) -> None:
    assert types.size()(text) == value


@pytest.mark.parametrize(
    ("text", "value"), [("60", 60.0), ("500ms", 0.5), ("1.5s", 1.5), ("2m", 120.0), ("1h", 3600.0)]
)
def test_times_have_units(text: str, value: float) -> None:
    assert types.seconds(text) == value


def test_labels_are_kongs() -> None:
    assert types.labels("region:eu, tier:gold") == {"region": "eu", "tier": "gold"}


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (types.switch, "maybe", "on or off"),
        (types.size(), "1t", "with k, m or g"),
        (types.size(10), "9", "at least 10"),
        (types.seconds, "soon", "with ms, s, m or h"),
        (types.workers, "many", "auto or a number"),
        (types.workers, "257", "auto or a number"),
        (types.count(1, 5), "6", "from 1 to 5"),
        (types.word("a", "b"), "c", "a, b"),
        (types.labels, "kong-x:1", "must not start with"),
        (types.labels, "a", "is not key:value"),
        (types.labels, ",".join(f"k{i}:v" for i in range(11)), "at most 10"),
        (types.networks, "1.2.3.4/99", "not an address"),
        (types.networks, "nonsense", "not an address"),
        (types.networks, "unix:", "not an address"),
        (types.header_words, "server_tokens, x-other", '"x-other" is not one of server_tokens'),
    ],
)
def test_what_cannot_be_read_says_what_is_expected(
    parse: types.Parse, text: str, expected: str
) -> None:
    with pytest.raises(ValueError, match=expected):
        parse(text)


def test_auto_workers_are_zero() -> None:
    assert types.workers("auto") == 0
    assert types.workers("4") == 4
