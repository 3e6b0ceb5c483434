# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from gateway.compiled import DIGEST, PACKAGE, digest
from tools import compile_request_path as module


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where it would be installed, in an environment that has nothing."""
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path / name))
    return tmp_path / "purelib" / PACKAGE


def test_without_a_compiler_it_is_off(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    assert module.main() == 0
    assert "no no-such-compiler on PATH, so it is off" in capsys.readouterr().err
    assert not place.exists()


def test_without_the_headers_of_python_it_is_off(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", "sh")
    assert module.main() == 0
    assert "no headers of Python, so it is off" in capsys.readouterr().err
    assert not place.exists()


def test_what_was_made_of_this_source_is_not_made_again(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    place.mkdir(parents=True)
    (place / DIGEST).write_text(digest())
    assert module.main() == 0
    assert capsys.readouterr().err == ""
