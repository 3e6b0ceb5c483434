# SPDX-License-Identifier: Apache-2.0
"""The vector files, replayed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vectors.__main__ import main, replay

FOLDER = Path(__file__).parents[3] / "vectors"
FILES = [FOLDER / name for name in ("router.json", "routing-rules.json", "path-handling.json")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_vector_of_the_file_passes(path: Path) -> None:
    outcomes = list(replay(path))
    assert outcomes
    assert {label: problem for label, problem in outcomes if problem is not None} == {}


def test_the_last_line_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "some.json"
    file.write_text('{"escape": [{"in": "/a b", "out": "/a%20b"}, {"in": "/a", "out": "/b"}]}')
    assert main([str(file)]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 1 failed"


def test_an_unknown_kind_of_vector_fails(tmp_path: Path) -> None:
    file = tmp_path / "some.json"
    file.write_text('{"spells": []}')
    assert main([str(file)]) == 1
