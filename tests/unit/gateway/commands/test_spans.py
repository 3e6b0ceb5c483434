# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.commands.spans import span


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("2h", 7200), ("7d", 604800), ("4w", 2419200), ("0s", 0)],
)
def test_a_number_with_a_unit_is_a_span(text: str, seconds: int) -> None:
    assert span(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "s", "10", "-1s", "1.5h", "1 h", "10M", "1y", "\u0661s", "1s\n"]
)
def test_anything_else_is_none(text: str) -> None:
    assert span(text) is None


def test_units_that_may_not_be_given_are_none() -> None:
    assert (span("4w", "smhd"), span("4d", "smhd")) == (None, 345600)
