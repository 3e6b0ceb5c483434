# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.control_plane.delta import between
from gateway.control_plane.keyring import Keyring
from gateway.control_plane.store_tables import decoded, encoded, undo_of, went_back
from gateway.entities.checks import Table
from gateway.errors import StoreError

KEYS = ["k" * 32]

tables = st.dictionaries(st.integers(0, 9), st.sampled_from("ab"), max_size=6).map(
    lambda found: {
        "consumers": [{"id": str(UUID(int=n)), "username": found[n]} for n in sorted(found)]
    }
)


def by_id(table: Table) -> dict[str, dict[str, Any]]:
    return {name: {row["id"]: row for row in rows} for name, rows in table.items()}


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=900)), st.sampled_from([[], KEYS]))
def test_what_is_kept_is_read_back(content: dict[str, str], keys: list[str]) -> None:
    keyring = Keyring(keys)
    assert decoded(encoded(content, keyring, 7), keyring, 7) == content


def test_large_contents_are_compressed() -> None:
    assert len(encoded({"a": "x" * 10_000}, Keyring(), 1)) < 200


@pytest.mark.parametrize("stored", [b"", b"{", b"\x1f\x8b", b"nothing"])
def test_what_nobody_has_written_is_damage(stored: bytes) -> None:
    with pytest.raises(StoreError, match="release 3 in the database is damaged"):
        decoded(stored, Keyring(), 3)


@given(tables, tables)
def test_an_undo_leads_to_the_release_before(old: Table, new: Table) -> None:
    rows = by_id(new)
    went_back(rows, undo_of(between(old, new)))
    assert rows["consumers"] == by_id(old)["consumers"]
