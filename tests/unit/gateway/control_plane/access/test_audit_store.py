# SPDX-License-Identifier: Apache-2.0
"""Entries of the audit log in pages, and for how long they are kept."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gateway.control_plane.access.audit_store import AuditStore
from gateway.control_plane.store import Store
from tests.support.storage import Storage


@pytest.fixture
def store(storage: Storage) -> Store:
    return storage.store()


def entry(name: str, age: int = 0) -> dict[str, Any]:
    """Return an entry of so many seconds ago."""
    return {"request_id": name, "request_timestamp": int(time.time()) - age}


def test_pages_go_from_the_newest_to_the_oldest(store: Store) -> None:
    audit = AuditStore(store, 60)
    audit.write([entry("a"), entry("b")])
    audit.write([entry("c")])
    first = audit.page(2)
    assert [one["request_id"] for _, one in first.entries] == ["c", "b"]
    assert first.total == 3
    rest = audit.page(2, before=first.entries[-1][0])
    assert [one["request_id"] for _, one in rest.entries] == ["a"]


def test_what_is_too_old_is_not_shown_and_goes(store: Store) -> None:
    AuditStore(store, 3600).write([entry("old", age=100)])
    short = AuditStore(store, 60)
    assert short.page(10).total == 0
    short.write([entry("new")])
    assert [one["request_id"] for _, one in AuditStore(store, 3600).page(10).entries] == ["new"]
