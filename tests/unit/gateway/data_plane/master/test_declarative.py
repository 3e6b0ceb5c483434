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


_FOR_NOBODY = """plugins:
- name: rate-limiting
  consumer: 00000000-0000-4000-8000-000000000000
  config: {minute: 1}
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


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[/a]", "['${']", r'kong.yml: .*routes\["r"\].paths\[0\]: '),
        ("[/a]", "['${x}']", r'kong.yml: .*routes\["r"\].paths\[0\]: unknown placeholder'),
        (
            "paths: [/a]",
            f"paths: [/a]\n{_FOR_NOBODY}",
            "kong.yml: plugins.*does not reference an existing",
        ),
    ],
)
def test_what_is_wrong_between_entities_names_the_file_too(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    file = tmp_path / "kong.yml"
    file.write_text(TEXT.replace(old, new))
    with pytest.raises(DocumentError, match=said):
        read_declarative(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"none\.yml: cannot be read: No such file"):
        read_declarative(tmp_path / "none.yml")
