# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.plugins.transformations.entries import entries, split


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ("a:b", ("a", "b")),
        ("a:b:c", ("a", "b:c")),
        ("a", ("a", "")),
        ("a:", ("a", "")),
        ("a::b", ("a", "b")),
        ("a:line\nbreak", ("a", "line\nbreak")),
    ],
)
def test_an_entry_is_split_at_its_first_colon(entry: str, found: tuple[str, str]) -> None:
    assert split(entry) == found


def test_lists_of_entries_are_empty_by_default() -> None:
    assert entries("what").get_default(call_default_factory=True) == []
