# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sqlalchemy as sa

from gateway.control_plane.access.audit_table import AUDIT_REQUESTS
from gateway.control_plane.tables import METADATA
from tests.support.storage import Storage


def test_entries_are_numbered_by_the_database(storage: Storage) -> None:
    assert METADATA.tables[AUDIT_REQUESTS.name] is AUDIT_REQUESTS
    store = storage.store()
    with store.writing() as connection:
        connection.execute(sa.insert(AUDIT_REQUESTS), [{"at": 1, "entry": "{}"}] * 2)
        assert connection.execute(sa.select(AUDIT_REQUESTS.c.number)).scalars().all() == [1, 2]
