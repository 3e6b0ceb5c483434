# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from gateway.control_plane.delta import between, undone
from gateway.entities.checks import Table


def identity(number: int) -> str:
    return str(UUID(int=number))


def row(number: int, host: str) -> dict[str, Any]:
    return {"id": identity(number), "name": f"s{number}", "host": host}


tables = st.dictionaries(st.integers(0, 20), st.sampled_from(["a", "b"]), max_size=12).map(
    lambda found: {"services": [row(n, found[n]) for n in sorted(found)]} if found else {}
)


def rows(table: Table) -> dict[str, Any]:
    return {one["id"]: one for found in table.values() for one in found}


@given(tables, tables)
def test_a_delta_names_exactly_what_differs(old: Table, new: Table) -> None:
    left, right = rows(old), rows(new)
    differing = {one for one in {*left, *right} if left.get(one) != right.get(one)}
    delta = between(old, new)
    assert {entity for _, entity in delta} == differing
    assert all(
        (change.before, change.after) == (left.get(entity), right.get(entity))
        for (_, entity), change in delta.items()
    )


@given(tables, tables)
def test_undoing_a_delta_leads_back(old: Table, new: Table) -> None:
    assert rows(undone(new, between(old, new))) == rows(old)


@given(tables, tables, tables)
def test_what_was_changed_since_stays(old: Table, new: Table, later: Table) -> None:
    delta = between(old, new)
    found, now, before = rows(undone(later, delta)), rows(later), rows(old)
    for entity in {*now, *before}:
        change = delta.get(("services", entity))
        same = change is not None and change.after == now.get(entity)
        assert found.get(entity) == (before.get(entity) if same else now.get(entity))


def test_what_refers_to_what_is_gone_goes_along() -> None:
    service = row(1, "a")
    route = {"id": identity(2), "service": service["id"]}
    plugin = {"id": identity(3), "route": route["id"], "name": "key-auth"}
    new: Table = {"services": [service], "routes": [route], "plugins": [plugin]}
    left = undone(new, between({}, {"services": [service]}))
    assert rows(left) == {}


def test_rows_that_both_share_are_not_compared() -> None:
    class Untouchable(dict[str, Any]):
        def __eq__(self, other: object) -> bool:
            raise AssertionError("compared")

    shared = [Untouchable(row(n, "a")) for n in range(0, 20, 2)]
    delta = between({"services": [*shared]}, {"services": [*shared[:5], row(9, "b"), *shared[5:]]})
    assert [entity for _, entity in delta] == [identity(9)]
