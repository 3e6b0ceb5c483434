# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tools.markdown import code, row, table


def test_a_table_has_a_head_and_no_cell_breaks_its_line() -> None:
    assert table("a", "b") == ["| a | b |", "|---|---|"]
    assert row("x|y", "two\nlines") == "| x\\|y | two lines |"


def test_values_are_shown_as_they_are_written() -> None:
    assert [code("text"), code(True), code([1])] == ["`text`", "`true`", "`[1]`"]
