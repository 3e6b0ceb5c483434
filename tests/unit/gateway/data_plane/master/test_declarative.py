# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from gateway.data_plane.master.declarative import read_declarative
from gateway.errors import DocumentError

TEXT = """
_format_version: "3.0"
services:
- name: s
  url: http://h/
  routes:
  - name: r
    paths: [/a]
"""


def test_a_file_becomes_a_release(tmp_path: Path) -> None:
    file = tmp_path / "kong.yml"
    file.write_text(TEXT)
    release = read_declarative(file)
    table = orjson.loads(release.table)
    assert table["routes"][0]["service"] == table["services"][0]["id"]
    assert not release.empty


def test_the_same_file_is_the_same_release(tmp_path: Path) -> None:
    file = tmp_path / "kong.yml"
    file.write_text(TEXT)
    assert read_declarative(file).hash == read_declarative(file).hash


def test_what_is_wrong_names_file_and_path(tmp_path: Path) -> None:
    file = tmp_path / "kong.yml"
    file.write_text(TEXT.replace("paths", "pathz"))
    with pytest.raises(DocumentError, match=r"kong.yml.*routes\[\"r\"\].pathz"):
        read_declarative(file)
