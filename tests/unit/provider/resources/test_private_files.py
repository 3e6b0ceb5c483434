# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from provider.local import process
from provider.values import UNKNOWN, Properties
from tests.support.provider import CallError, Harness

TOKEN = "gateway:local:Files"


@pytest.fixture
def harness() -> Harness:
    return Harness(TOKEN)


def inputs(folder: Path, **files: str) -> Properties:
    return {"directory": str(folder), "files": files}


def held(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_they_are_written_for_nobody_else_to_read(harness: Harness, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    harness.create(inputs(folder, a="1", b="2"))
    assert held(folder) == {"a": "1", "b": "2"}
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert harness.secrets == {("files", "a"), ("files", "b")}
    assert harness.diff() == {}


def test_a_preview_writes_nothing(harness: Harness, tmp_path: Path) -> None:
    harness.create(inputs(tmp_path / "new", a="1"), preview=True)
    assert not (tmp_path / "new").exists()
    unknown = {"directory": str(tmp_path), "files": {"a": UNKNOWN}}
    harness.create(unknown, preview=True)
    harness.create(inputs(tmp_path, a="1"))
    harness.update(inputs(tmp_path, a="2"), preview=True)
    assert held(tmp_path) == {"a": "1"}


def test_an_edit_writes_what_differs_and_removes_what_is_not_named(
    harness: Harness, tmp_path: Path
) -> None:
    harness.create(inputs(tmp_path, a="1", b="2", c="3"))
    kept = (tmp_path / "b").stat().st_ino
    news = inputs(tmp_path, a="9", b="2")
    assert harness.diff(news) == {"files.a": "UPDATE", "files.c": "DELETE"}
    harness.update(news)
    assert held(tmp_path) == {"a": "9", "b": "2"}
    assert (tmp_path / "b").stat().st_ino == kept


def test_what_was_changed_by_hand_is_put_right(harness: Harness, tmp_path: Path) -> None:
    harness.create(inputs(tmp_path, a="1", b="2"))
    (tmp_path / "a").write_text("mine")
    (tmp_path / "b").unlink()
    assert harness.diff() == {"files.a": "UPDATE", "files.b": "UPDATE"}
    harness.update(harness.inputs)
    assert held(tmp_path) == {"a": "1", "b": "2"}


def test_they_go_but_not_from_under_a_process(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.create(inputs(tmp_path, a="1"))
    with monkeypatch.context() as patch:
        patch.setattr(process, "load_record", lambda directory: directory == str(tmp_path) or None)
        harness.delete()
    assert held(tmp_path) == {"a": "1"}
    harness.delete()
    assert held(tmp_path) == {}
    harness.delete()


def test_a_place_elsewhere_is_refused(harness: Harness) -> None:
    wrong = ("../a", "/b", "", ".", "a/../..", "n\0l")
    given: Properties = {"directory": "here", "files": dict.fromkeys((*wrong, "c"), "1")}
    problems = harness.failures(given)
    assert problems.pop("directory") == "should be an absolute path"
    assert set(problems.values()) == {"should be a path below the directory"}
    assert len(problems) == len(wrong)


def test_they_cannot_be_imported(harness: Harness, tmp_path: Path) -> None:
    harness.create(inputs(tmp_path, a="1"))
    harness.outputs = {}
    with pytest.raises(CallError, match="cannot be imported"):
        harness.read()


def test_what_the_disk_refuses_is_said_with_its_place(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CallError) as caught:
        harness.create(inputs(tmp_path / "file" / "below", a="1"))
    assert str(tmp_path / "file") in caught.value.text
    assert caught.value.text.endswith(": Not a directory")
    with pytest.raises(CallError, match="File name too long"):
        harness.create(inputs(tmp_path / "there", **{"x" * 300: "1"}))
