# SPDX-License-Identifier: Apache-2.0
"""Each complaint of the page has a test that is there, or says why it needs none."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
_PAGE = (ROOT / "docs" / "decisions" / "what-users-of-kong-ran-into.md").read_text()
_ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in _PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| Kong ")
]
_TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")


@cache
def functions(name: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests/unit/gateway" / name).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row[0])
def test_a_complaint_has_a_test_or_cannot_arise(row: list[str]) -> None:
    assert len(row) == 4
    named = _TEST.findall(row[3])
    assert named or row[2].startswith("cannot arise: ")
    for file, function in named:
        assert function in functions(file)
