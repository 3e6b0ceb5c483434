# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.control_plane.delta import between
from gateway.control_plane.holds import Hold, Holds, applied, hold_name, summary
from gateway.entities.checks import Table
from gateway.errors import DocumentError, NotFound, RequestRejected


def service(number: int, host: str) -> dict[str, Any]:
    return {"id": str(UUID(int=number)), "name": f"s{number}", "host": host}


tables = st.dictionaries(st.integers(0, 9), st.sampled_from(["a", "b"]), max_size=8).map(
    lambda found: {"services": [service(n, found[n]) for n in sorted(found)]} if found else {}
)


@given(tables, tables)
def test_what_is_held_makes_of_its_base_what_was_written(old: Table, new: Table) -> None:
    assert applied(old, between(old, new)) == new


@given(tables, st.lists(tables, max_size=4))
def test_a_hold_remembers_what_was_before_its_first_write(old: Table, steps: list[Table]) -> None:
    hold = Hold("h", "who", None, old, 0, 0)
    for step in steps:
        hold.take(step)
    last = steps[-1] if steps else old
    assert applied(old, hold.delta) == last
    differing = between(old, last)
    assert {key: one for key, one in hold.delta.items() if one.before != one.after} == differing


def test_a_hold_that_no_longer_fits_is_refused_as_a_whole() -> None:
    base: Table = {"services": [service(1, "a")]}
    hold = Hold("h", "who", None, base, 0, 0)
    route = {"id": str(UUID(int=7)), "name": "r", "service": service(1, "a")["id"]}
    hold.take({**base, "routes": [route]})
    assert hold.rule(base)["routes"] == [route]
    with pytest.raises(DocumentError, match="does not reference"):
        hold.rule({})


def test_a_summary_counts_what_really_changes() -> None:
    old: Table = {"services": [service(1, "a"), service(2, "a"), service(3, "a")]}
    new: Table = {"services": [service(1, "b"), service(3, "a"), service(4, "a")]}
    assert summary(between(old, new)) == "1 created, 1 updated, 1 deleted"
    assert summary({}) == "nothing changed"


@pytest.mark.parametrize("text", ["", "a b", "a/b", "ä", "x" * 101, "a\n"])
def test_a_name_that_cannot_stand_in_a_path_is_refused(text: str) -> None:
    with pytest.raises(RequestRejected, match="no name of a hold"):
        hold_name(text)


def test_the_number_of_holds_is_bounded_and_ended_ones_are_remembered() -> None:
    holds = Holds()
    for number in range(100):
        holds.enter(f"h{number}", "who", None, 0)
    with pytest.raises(RequestRejected, match="100 holds"):
        holds.enter("one-more", "who", None, 0)
    assert holds.enter("h7", "who", None, 0) is holds.get("h7")
    holds.end(holds.get("h7"), "dropped: as asked")
    with pytest.raises(NotFound):
        holds.get("h7")
    assert holds.shown[-1].name == "h7"
    closing = holds.get("h8")
    holds.close(closing)
    assert holds.find("h8") is closing, "it is still read"
    with pytest.raises(NotFound):
        holds.get("h8")
    holds.reopen(closing)
    assert holds.get("h8") is closing
