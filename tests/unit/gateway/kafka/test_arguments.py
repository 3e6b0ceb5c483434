# SPDX-License-Identifier: Apache-2.0
"""Query arguments as Kong decodes them."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.kafka.arguments import first, parse


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (None, {}),
        (b"", {}),
        (b"a=1", {"a": "1"}),
        (b"a=", {"a": ""}),
        (b"a", {"a": True}),
        (b"a=1&a&a=", {"a": ["1", True, ""]}),
        (b"a=x+y%20z", {"a": "x y z"}),
        (b"%C3%A9=%c3%a9", {"é": "é"}),
        (b"a=%zz&b=%", {"a": "%zz", "b": "%"}),
        (b"a=1=2", {"a": "1=2"}),
        (b"&&a=1&", {"a": "1"}),
        (b"a=%ff", {"a": "\ufffd"}),
    ],
)
def test_arguments_are_decoded(encoded: bytes | None, expected: Any) -> None:
    assert parse(encoded) == expected


def test_what_comes_after_a_hundred_is_dropped() -> None:
    assert len(parse(b"&".join(b"a%d=1" % number for number in range(150)))) == 100


@pytest.mark.parametrize(
    ("query", "expected"), [(b"k=1&k=2", "1"), (b"k&k=2", None), (b"k", None), (b"", None)]
)
def test_the_first_value_counts(query: bytes, expected: str | None) -> None:
    assert first(parse(query), "k") == expected
