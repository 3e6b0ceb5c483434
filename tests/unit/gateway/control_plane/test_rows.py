# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from gateway.control_plane.delta import RowChange, between
from gateway.control_plane.rows import EVERYWHERE, Rows, indexed


def identity(number: int) -> str:
    return str(UUID(int=number))


def plugin(number: int, route: int | None, service: int | None) -> dict[str, Any]:
    return {
        "id": identity(number),
        "name": f"name-{number}",
        "instance_name": f"p{number}",
        "route": None if route is None else identity(100 + route),
        "service": None if service is None else identity(200 + service),
        "consumer": None,
        "consumer_group": None,
    }


few = st.none() | st.integers(0, 2)
steps = st.lists(st.tuples(st.integers(0, 12), few, few, st.booleans()), max_size=25)


@given(steps)
def test_indexes_that_were_handed_on_are_those_that_would_be_made(
    steps: list[tuple[int, int | None, int | None, bool]],
) -> None:
    rows = Rows("plugins", [])
    for number, route, service, goes in steps:
        before = rows.find("id", identity(number))
        after = None if goes else plugin(number, route, service)
        if before is None and after is None:
            continue
        following = rows.replaced(before, after)
        change = {("plugins", identity(number)): RowChange(before, after)}
        assert between({"plugins": rows}, {"plugins": following}) == (
            {} if before == after else change
        )
        rows = following
        fresh = Rows("plugins", list(rows))
        assert rows.taken == fresh.taken
        sorted_ids = {key: sorted(row["id"] for row in of) for key, of in rows.children.items()}
        assert sorted_ids == {
            key: sorted(row["id"] for row in of) for key, of in fresh.children.items()
        }
        assert list(rows) == sorted(rows, key=lambda row: row["id"])


def test_a_row_is_found_by_what_is_unique_to_it_and_by_what_it_refers_to() -> None:
    one, two = plugin(1, 1, None), plugin(2, None, None)
    rows = indexed("plugins", [two, one])
    assert list(rows) == [one, two]
    assert rows.find("id", two["id"]) is two
    assert rows.find("name", "name-2") is two, "not unique by itself: looked for"
    assert rows.children["route", one["route"]] == (one,)
    assert rows.children[EVERYWHERE] == (two,)
    assert indexed("plugins", rows) is rows


def test_earlier_rows_stay_as_they_were() -> None:
    first = indexed("plugins", [plugin(1, 1, None)])
    second = first.replaced(None, plugin(2, 1, None))
    third = second.replaced(first[0], None)
    assert [len(first), len(second), len(third)] == [1, 2, 1]
    assert first.find("id", identity(2)) is None
    assert len(first.children["route", identity(101)]) == 1
