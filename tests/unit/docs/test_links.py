# SPDX-License-Identifier: Apache-2.0
"""Links between pages lead somewhere, and the tests and pages that texts name are there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    str(page.relative_to(ROOT))
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "bench/results/*.md")
    for page in ROOT.glob(pattern)
)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
NAMED = re.compile(r"`((?:tests|docs|examples)/[\w/.-]+\.(?:py|md|json|yaml))`")


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the anchors of a page's headings, as they are made where it is read."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    plain = (re.sub(r"[^\w\s-]", "", heading.lower()) for heading in headings)
    return frozenset(re.sub(r"\s", "-", text.strip()) for text in plain)


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_to_a_file_and_a_heading(name: str) -> None:
    page = ROOT / name
    for target, anchor in LINK.findall(page.read_text()):
        found = (page.parent / target) if target else page
        assert found.exists(), target
        assert not anchor or found.suffix != ".md" or anchor in anchors(found), (target, anchor)


@pytest.mark.parametrize("name", PAGES)
def test_every_file_that_is_named_is_there(name: str) -> None:
    named = NAMED.findall((ROOT / name).read_text())
    assert [file for file in named if not (ROOT / file).exists()] == []
