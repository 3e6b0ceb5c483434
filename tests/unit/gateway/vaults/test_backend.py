# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import VaultError
from gateway.vaults.backend import read_file


def test_a_file_is_read_without_its_last_line_end(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one\ntwo\r\n")
    assert read_file(tmp_path / "a", ("/none", str(tmp_path))) == "one\ntwo"


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff")
    (tmp_path / "large").write_bytes(bytes(1024**2 + 1))
    for name, text in [
        ("none", "there is no file"),
        ("bytes", "not UTF-8 text"),
        ("large", "is no file of 1 MiB at most"),
        (".", "is no file of 1 MiB at most"),
        ("nul\0", "there is no file"),
    ]:
        with pytest.raises(VaultError, match=text):
            read_file(f"{tmp_path}/{name}", (str(tmp_path),))
