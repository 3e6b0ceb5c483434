# SPDX-License-Identifier: Apache-2.0
"""The audit log in the database. Methods block; they may run in any thread."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from gateway.control_plane.access.audit_table import AUDIT_REQUESTS
from gateway.control_plane.store import Store

_MOST = 1_000_000
"""Entries that are kept at most, however young they are."""
_LOOK = 3600.0
"""Seconds between looks for those that are too old."""


@dataclass(frozen=True)
class AuditPage:
    """Some entries, the newest first."""

    entries: list[tuple[int, dict[str, Any]]]
    """Each with its number."""
    total: int
    """How many are kept."""


class AuditStore:
    """Entries of the audit log by number. Raises ``StoreError`` when the database fails."""

    def __init__(self, store: Store, kept_for: float) -> None:
        self.kept_for = kept_for
        """Seconds."""
        self._store = store
        self._looked = 0.0

    def write(self, entries: Sequence[dict[str, Any]]) -> None:
        """Append entries in one transaction, and remove what is too old now and then."""
        rows = [
            {"at": one["request_timestamp"], "entry": orjson.dumps(one).decode()} for one in entries
        ]
        with self._store.writing() as connection:
            connection.execute(sa.insert(AUDIT_REQUESTS), rows)
            if time.time() - self._looked > _LOOK:
                self._remove_old(connection)

    def page(self, size: int, before: int | None = None) -> AuditPage:
        """Return the newest entries, with a number < before where it is given."""
        columns = AUDIT_REQUESTS.c
        oldest = int(time.time() - self.kept_for)
        kept = columns.at > oldest
        query = sa.select(columns.number, columns.entry).where(kept)
        if before is not None:
            query = query.where(columns.number < before)
        query = query.order_by(columns.number.desc()).limit(size)
        count = sa.select(sa.func.count()).select_from(AUDIT_REQUESTS).where(kept)
        with self._store.reading() as connection:
            found = [(row.number, orjson.loads(row.entry)) for row in connection.execute(query)]
            return AuditPage(found, connection.execute(count).scalar_one())

    def _remove_old(self, connection: sa.Connection) -> None:
        columns = AUDIT_REQUESTS.c
        self._looked = time.time()
        newest = connection.execute(sa.select(sa.func.max(columns.number))).scalar() or 0
        gone = (columns.at <= int(self._looked - self.kept_for)) | (
            columns.number <= newest - _MOST
        )
        connection.execute(sa.delete(AUDIT_REQUESTS).where(gone))
