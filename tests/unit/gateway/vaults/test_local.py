# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.entities.vault_kinds import EnvVault, FileVault
from gateway.errors import SecretMissing, VaultError
from gateway.vaults.backend import Surroundings
from gateway.vaults.local import Environment, Files


def files(root: Path) -> Files:
    return Files(FileVault(root=str(root)), Surroundings({}, (str(root.parent),)))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder as Kubernetes mounts a secret: names are links into a folder that is replaced."""
    root = tmp_path / "mounted"
    (root / "db" / "..1").mkdir(parents=True)
    (root / "db" / "..1" / "password").write_text("p\n")
    (root / "db" / "..data").symlink_to("..1")
    (root / "db" / "password").symlink_to("..data/password")
    (root / "one.json").write_text('{"user": "u"}')
    (tmp_path / "outside").write_text("secret of another")
    (root / "escape").symlink_to("../outside")
    return root


def test_a_secret_is_a_file_without_its_last_line_end(root: Path) -> None:
    assert files(root).fetch("db", "password", None).content == {"password": "p"}
    assert files(root).fetch("db/password", None, None).content == "p"
    assert files(root).fetch("one.json", "user", None).content == '{"user": "u"}'


@pytest.mark.parametrize("name", ["none", "db/none", "db/password/none"])
def test_a_file_that_is_not_there_is_named(root: Path, name: str) -> None:
    with pytest.raises(SecretMissing, match="there is no file"):
        files(root).fetch(name, None, None)


@pytest.mark.parametrize("name", ["../outside", "db/../../outside", "escape", "/../outside"])
def test_no_path_leads_out_of_the_folder(root: Path, name: str) -> None:
    with pytest.raises(VaultError):
        files(root).fetch(name, None, None)


@given(parts=st.lists(st.sampled_from(["..", ".", "db", "escape", "/", "", "outside"]), max_size=6))
@settings(max_examples=50)
def test_no_spelling_of_a_path_reads_what_is_outside(shared: Path, parts: list[str]) -> None:
    try:
        found = files(shared).fetch("/".join(parts), None, None)
    except VaultError:
        return
    assert found.content != "secret of another"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("vault")
    (top / "mounted" / "db").mkdir(parents=True)
    (top / "outside").write_text("secret of another")
    (top / "mounted" / "escape").symlink_to("../outside")
    return top / "mounted"


def test_only_the_folders_of_the_setting_are_read(root: Path) -> None:
    other = Files(FileVault(root=str(root)), Surroundings({}, ("/run/secrets",)))
    with pytest.raises(VaultError, match="setting vault_folders"):
        other.fetch("one.json", None, None)


def test_a_variable_has_the_vaults_prefix() -> None:
    vault = Environment(EnvVault(prefix="MY_"), Surroundings({"MY_SECRET_VALUE": "v"}))
    assert vault.fetch("secret-value", None, None).content == "v"
    with pytest.raises(SecretMissing, match=r"no variable MY_NONE; .* run an `up` with its"):
        vault.fetch("none", None, None)
