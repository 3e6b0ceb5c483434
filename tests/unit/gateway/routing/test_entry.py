# SPDX-License-Identifier: Apache-2.0
"""Route rows as entries: split, ordered, left out."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

import pytest

from gateway.routing.entry import priority, split

ID = "00000000-0000-4000-8000-000000000001"


def test_routes_with_different_paths_are_split_under_derived_ids() -> None:
    parts = split(ID, {"paths": ["/ab", "~/x", "/cd", "/abc", "~/y"]})
    assert [paths for _, paths in parts] == [["/ab", "/cd"], ["~/x", "~/y"], ["/abc"]]
    assert parts[1][0] == str(uuid5(UUID("7f145bf9-0dce-4f91-98eb-debbce4b9f6b"), f"{ID}#2"))


def test_a_route_with_paths_of_one_kind_keeps_its_id() -> None:
    assert split(ID, {"paths": ["/ab", "/cd"]}) == [(ID, ["/ab", "/cd"])]


@pytest.mark.parametrize(
    ("row", "bits"),
    [
        ({"methods": ["GET"]}, 1 << 61),
        ({"hosts": ["a.b"]}, 1 << 61 | 1 << 60),
        ({"hosts": ["a.b", "*.c"]}, 1 << 61),
        ({"headers": {"a": ["1"], "b": ["1"]}}, 1 << 61 | 2 << 52),
        ({"paths": ["/abc"]}, 1 << 61 | 4),
        ({"paths": ["~/abc"], "regex_priority": 5}, 1 << 61 | 1 << 51 | 5 << 19),
        ({"paths": ["/é"]}, 1 << 61 | 3),
        ({"methods": ["GET"], "paths": ["/"], "regex_priority": 9}, 2 << 61 | 1),
    ],
)
def test_priorities_are_packed_into_bits(row: dict[str, Any], bits: int) -> None:
    assert priority(row, row.get("paths", [])) == bits
