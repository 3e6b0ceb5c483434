# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from gateway.control_plane.database.choice import FILE, database_of, keyring_of
from gateway.control_plane.keyring import BESIDE
from gateway.settings.settings import Settings


def test_a_control_plane_keeps_its_releases_in_a_file_of_its_prefix(tmp_path: Path) -> None:
    found = database_of(Settings.parse({"role": "control_plane", "prefix": str(tmp_path)}))
    assert found.label == str(tmp_path / FILE)


def test_postgres_is_named_without_the_password() -> None:
    values = {"role": "control_plane", "database": "postgres", "pg_password": "planted"}
    found = database_of(Settings.parse({**values, "pg_host": "db.test", "pg_database": "gateway"}))
    assert found.label == '"gateway" at db.test:5432'
    assert "planted" not in repr(vars(found))


def test_without_a_file_of_keys_one_is_made_beside_the_database(tmp_path: Path) -> None:
    assert keyring_of(Settings.parse({"prefix": str(tmp_path)})).seals
    assert (tmp_path / BESIDE).exists()
    other = tmp_path / "keys"
    other.write_text("k" * 40)
    values = {"prefix": str(tmp_path / "none"), "keyring_file": str(other)}
    assert keyring_of(Settings.parse(values)).seals
    assert not (tmp_path / "none").exists()
