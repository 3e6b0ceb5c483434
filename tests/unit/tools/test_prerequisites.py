# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path

import pytest

from tools import prerequisites
from tools.prerequisites import missing


def say(folder: Path, name: str, text: str, stream: int = 1) -> None:
    script = folder / name
    script.write_text(f"#!/bin/sh\necho '{text}' >&{stream}\n")
    script.chmod(0o755)


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def of(*steps: str, done: Collection[str] = (), download: bool = False) -> list[str]:
    return missing(steps, lambda step: step in done, lambda: download)


@pytest.mark.parametrize(("version", "usable"), [("11.0.2", False), ("17.0.1", True), ("25", True)])
def test_java_counts_from_17(path: Path, version: str, usable: bool) -> None:
    say(path, "java", f'openjdk version "{version}"', 2)
    assert (prerequisites.usable_java() is not None) == usable


@pytest.mark.parametrize(("version", "usable"), [("go1.25.9", False), ("go1.26", True)])
def test_go_counts_from_1_26(path: Path, version: str, usable: bool) -> None:
    say(path, "go", f"go version {version} linux/amd64")
    assert prerequisites.usable_go() == usable


def test_an_environment_counts_where_its_python_is_this_one(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    assert not prerequisites.is_of_this_python(tmp_path), "there is none"
    (folder / "python").symlink_to(sys.executable)
    assert prerequisites.is_of_this_python(tmp_path)
    (folder / "python").unlink()
    say(folder, "python", "3.10.1 (main)")
    assert not prerequisites.is_of_this_python(tmp_path), "it is another one"
    (folder / "python").unlink()
    (folder / "python").symlink_to(tmp_path / "uninstalled")
    assert not prerequisites.is_of_this_python(tmp_path), "it is there no more"


def test_with_the_network_python_is_enough() -> None:
    assert of("venv", "pulumi", "kafka", "policies", download=True) == []


def test_what_is_done_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr(prerequisites, "has_java_wheel", lambda: False)
    steps = ("venv", "pulumi", "kafka", "policies")
    assert of(*steps, done=steps) == []
    assert len(of(*steps)) == 3


def test_go_stands_in_for_the_archive(path: Path) -> None:
    (problem,) = of("venv", "pulumi")
    assert problem.startswith("the Pulumi CLI: its archive cannot be downloaded, and Go 1.26")
    say(path, "go", "go version go1.26.8 linux/amd64")
    assert of("venv", "pulumi") == []


def test_java_stands_in_for_a_wheel(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prerequisites, "has_java_wheel", lambda: False)
    (problem,) = of("kafka")
    assert problem.startswith("Java 17 or later on PATH")
    say(path, "java", 'openjdk version "21"', 2)
    assert of("kafka") == []


def test_the_local_stack_is_for_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    assert [problem.split(":")[0] for problem in of("kafka", done=["kafka"])] == ["Linux"]
    assert of("venv", done=["venv"]) == []
