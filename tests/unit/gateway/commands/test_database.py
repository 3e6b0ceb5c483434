# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import stat
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from gateway.commands.command_line import application
from gateway.control_plane.database.schema import NEWEST
from gateway.control_plane.store import NextRelease
from tests.support.storage import Storage


@pytest.fixture
def environment(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Have the commands use the storage."""
    values = {"KONG_PREFIX": str(tmp_path)}
    values |= {f"KONG_{name.upper()}": text for name, text in storage.settings().items()}
    for name, text in values.items():
        monkeypatch.setenv(name, text)
    return values


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application(), ["database", *arguments])


@pytest.mark.usefixtures("environment")
def test_from_nothing_to_a_backup_and_back(storage: Storage, tmp_path: Path) -> None:
    assert run("status").exit_code == 1
    migrated = run("migrate")
    assert migrated.exit_code == 0, migrated.output
    assert f"was in form none, is in form {NEWEST}" in migrated.output
    assert f"is in {NEWEST}" in run("migrate").output
    store = storage.store()
    store.append(lambda _: NextRelease("", "w", "m", {"consumers": [{"id": "1"}]}))
    file = tmp_path / "backup.gz"
    made = run("backup", str(file))
    assert made.exit_code == 0, made.output
    assert "1 entities, 1 releases" in made.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    refused = run("restore", str(file))
    assert refused.exit_code == 1
    assert "is not empty; say --replace" in refused.output
    restored = run("restore", str(file), "--replace")
    assert restored.exit_code == 0, restored.output
    shown = orjson.loads(run("status", "--json").output)
    assert (shown["form"], shown["newest_release"]) == (NEWEST, 1)


def test_without_a_keyring_for_all_control_planes_nothing_is_written(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if "KONG_KEYRING_FILE" not in environment:
        return  # SQLite has one of its own
    monkeypatch.delenv("KONG_KEYRING_FILE")
    refused = run("migrate")
    assert refused.exit_code == 1
    assert "KONG_KEYRING_FILE: needed with KONG_DATABASE=postgres" in refused.output


@pytest.mark.parametrize("command", [("backup", "a"), ("restore", "missing")])
def test_what_is_not_there_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, str]
) -> None:
    monkeypatch.setenv("KONG_PREFIX", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    done = run(*command)
    assert done.exit_code == 1
    assert done.output.startswith("error: ")
    assert not (tmp_path / "none").exists()


def test_a_node_without_a_database_has_none_to_look_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KONG_DATABASE", "off")
    done = run("status")
    assert done.exit_code == 1
    assert "KONG_DATABASE: off has no database" in done.output


def test_the_remedy_for_a_damaged_file_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KONG_PREFIX", str(tmp_path))
    file, backup = tmp_path / "control-plane.sqlite", str(tmp_path / "backup.gz")
    assert run("migrate").exit_code == 0
    assert "no rows" in run("backup", backup).output
    file.write_bytes(b"junk" * 1000)
    for arguments in (("restore", backup), ("restore", backup, "--replace"), ("status",)):
        said = run(*arguments)
        assert said.exit_code == 1
        assert "is damaged; move it away" in said.output
        assert "`kafka-gateway database restore BACKUP`" in said.output
    for one in tmp_path.glob("control-plane.sqlite*"):
        one.rename(tmp_path / f"old-{one.name}")
    assert run("restore", backup).exit_code == 0
    assert "is damaged" not in run("status").output
