# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.control_plane.database import schema
from gateway.control_plane.store import NextRelease
from gateway.control_plane.tables import METADATA
from gateway.errors import StoreError
from tests.support.storage import Storage
from tests.support.waiting import PATIENCE


def test_migrations_make_the_tables_that_the_code_declares(storage: Storage) -> None:
    store = storage.store()
    with store.database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_the_newest_form_is_the_last_of_the_scripts() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [schema.NEWEST]
    assert script.get_bases() == [schema.FIRST]


def test_bringing_a_database_up_is_one_line_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for folder in ("a", "b"):
        caplog.clear()
        with caplog.at_level("INFO"):
            Storage(tmp_path / folder).store()
        ours = [one.message for one in caplog.records if one.name.startswith("gateway.")]
        assert ours == ["database brought up"]


def test_a_database_of_a_newer_form_is_refused_in_words(storage: Storage) -> None:
    storage.store()
    storage.execute("UPDATE alembic_version SET version_num = 'from-tomorrow'")
    with pytest.raises(StoreError, match=r"newer version \(form from-tomorrow\); run that"):
        storage.store()


def test_a_control_plane_writes_no_more_once_the_form_is_newer(storage: Storage) -> None:
    store = storage.store()
    following = NextRelease("a" * 32, "w", "m", {"consumers": [{"id": "1"}]})
    assert store.append(lambda _: following)
    storage.execute("UPDATE alembic_version SET version_num = 'from-tomorrow'")
    with pytest.raises(StoreError, match="newer version") as caught:
        store.append(lambda _: NextRelease("b" * 32, "w", "m", {}))
    assert caught.value.status == 503
    assert [info.number for info in store.list(9)] == [1]


def _open(storage: Storage) -> None:
    storage.store().close()


def test_many_at_once_bring_a_database_up_one_after_the_other(storage: Storage) -> None:
    spawn = multiprocessing.get_context("spawn")
    starting = [spawn.Process(target=_open, args=(storage.alone(),)) for _ in range(3)]
    for one in starting:
        one.start()
    for one in starting:
        one.join(PATIENCE)
        assert one.exitcode == 0
    assert storage.execute("SELECT version_num FROM alembic_version") == [(schema.NEWEST,)]
    assert storage.store().newest() is None
