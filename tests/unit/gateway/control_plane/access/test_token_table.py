# SPDX-License-Identifier: Apache-2.0
"""What of a token is in the database."""

from __future__ import annotations

from pathlib import Path

from gateway.control_plane.access.tokens import TokenStore
from gateway.control_plane.database.sqlite import SqliteDatabase
from gateway.control_plane.store import Store


def test_the_database_holds_no_token(tmp_path: Path) -> None:
    store = Store(SqliteDatabase(tmp_path / "db.sqlite"))
    store.open()
    _, text = TokenStore(store).create("ci", ["write"], [], "test", None)
    store.close()
    content = b"".join(file.read_bytes() for file in tmp_path.glob("db.sqlite*"))
    assert b"ci" in content
    assert text.encode() not in content
    assert text.removeprefix("kgw_").encode() not in content
