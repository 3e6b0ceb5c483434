# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.control_plane.database.schema import NEWEST
from gateway.control_plane.database.survey import survey
from gateway.control_plane.store import NextRelease
from tests.support.storage import Storage


def test_it_tells_form_and_contents_and_makes_nothing(storage: Storage) -> None:
    database = storage.database()
    found = survey(database)
    assert (found["form"], found["newest_release"], found["rows"]) == (None, None, {})
    if storage.kind == "sqlite":
        assert not storage.path.exists()
    store = storage.store()
    store.append(lambda _: NextRelease("", "w", "m", {"consumers": [{"id": "1"}]}))
    found = survey(database)
    assert (found["form"], found["newest_form"], found["newest_release"]) == (NEWEST, NEWEST, 1)
    assert (found["rows"]["releases"], found["rows"]["entities"]) == (1, 1)
    database.close()
