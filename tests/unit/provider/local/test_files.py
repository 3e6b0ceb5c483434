# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from provider.local.files import file_problems, remove_files, stale_files, write_files
from provider.values import UNKNOWN


def test_only_what_differs_is_stale(tmp_path: Path) -> None:
    inputs = {"directory": str(tmp_path), "files": {"a": "1", "b/c": "2"}}
    assert stale_files(inputs) == ["a", "b/c"]
    write_files(inputs, ["a", "b/c"])
    assert stale_files(inputs) == []
    (tmp_path / "a").write_bytes(b"\xff")
    assert stale_files(inputs) == ["a"]


def test_what_is_named_no_more_or_elsewhere_is_removed(tmp_path: Path) -> None:
    olds = {"directory": str(tmp_path), "files": {"a": "1", "b": "2"}}
    write_files(olds, ["a", "b"])
    remove_files(olds, {"directory": str(tmp_path), "files": {"a": "1"}})
    assert [file.name for file in tmp_path.iterdir()] == ["a"]
    remove_files(olds, {"directory": str(tmp_path / "other"), "files": {"a": "1"}})
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_known_yet_is_no_problem() -> None:
    assert file_problems({"directory": UNKNOWN, "files": UNKNOWN}) == []
