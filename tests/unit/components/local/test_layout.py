# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.local import layout


def test_a_digest_of_the_code_follows_its_content_and_not_its_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "ROOT", tmp_path)
    file = tmp_path / "gateway" / "a.py"
    file.parent.mkdir()
    file.write_text("one = 1\n")
    before = layout.code_digest("gateway")
    os.utime(file, (1, 1))
    assert layout.code_digest("gateway") == before
    (file.parent / "notes.txt").touch()
    assert layout.code_digest("gateway") == before
    file.write_text("one = 2\n")
    assert layout.code_digest("gateway") != before
    file.write_text("one = 1\n")
    file.rename(file.with_name("b.py"))
    assert layout.code_digest("gateway") != before, "a name is part of the code"
