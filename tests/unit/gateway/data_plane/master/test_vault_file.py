# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from gateway.data_plane.master.vault_file import read_vault_file, readable_by_others, vault_settings
from gateway.errors import SettingsError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "vault.env"


def test_values_are_read_by_name(file: Path) -> None:
    file.write_text('# comment\n\nKEY=a=b c\n SECRET = "quoted" \nOTHER=\'x\'\nEMPTY=\nODD="\n')
    assert read_vault_file(file) == {
        "KEY": "a=b c",
        "SECRET": "quoted",
        "OTHER": "x",
        "EMPTY": "",
        "ODD": '"',
    }


def test_a_line_that_cannot_be_read_is_named_without_its_content(file: Path) -> None:
    file.write_text("KEY=1\nplanted secret\n")
    with pytest.raises(SettingsError, match=r"vault.env:2: expected NAME=value") as caught:
        read_vault_file(file)
    assert "planted" not in str(caught.value)


def test_a_missing_file_is_named(file: Path) -> None:
    with pytest.raises(SettingsError, match=r"KAFKA_GATEWAY_ENV_FILE: cannot read .*No such file"):
        read_vault_file(file)


def test_a_file_that_everybody_may_read_is_noticed(file: Path) -> None:
    file.write_text("")
    file.chmod(0o644)
    assert readable_by_others(file)
    file.chmod(0o640)
    assert not readable_by_others(file)


def test_settings_of_vaults_in_a_kong_conf_are_those_of_their_variables() -> None:
    values = {"vault_hcv_host": "h", "vault_folders": "/x", "log_level": "info"}
    assert vault_settings(values) == {"KONG_VAULT_HCV_HOST": "h"}
