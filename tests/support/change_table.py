# SPDX-License-Identifier: Apache-2.0
"""The table of docs/operations.md: which change does what to a live stack, by tests' plans."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.stubs.install import ROOT

PAGE = ROOT / "docs" / "operations.md"
BEGIN, END = "<!-- plans: recorded -->", "<!-- plans: end -->"
HEAD = "| change | to a live system | plan |\n|---|---|---|"
FEW = 4
"""As many names are listed; more are counted."""


@dataclass(frozen=True)
class Change:
    """A change of the configuration, in words, and what it means for who uses the stack."""

    words: str
    meaning: str
    settings: dict[str, Any] = field(default_factory=dict)


def row(change: Change, plan: str) -> str:
    """Return one line of the table."""
    return f"| {change.words} | {change.meaning} | {plan} |"


def summary(steps: Sequence[str]) -> str:
    """Return steps of a plan in one line, the same whatever order equals come in."""
    bare = [step.partition(":")[0] for step in steps]
    groups: dict[str, set[str]] = {}
    for step in bare:
        for words, verb in (
            ("make anew ", _order(step, bare)),
            ("delete the old ", ""),
            ("make ", "made"),
            ("update ", "updated"),
            ("delete ", "deleted"),
        ):
            if step.startswith(words):
                if verb:
                    groups.setdefault(verb, set()).add(step.removeprefix(words))
                break
    return "; ".join(f"{verb}: {_names(names)}" for verb, names in groups.items()) or "no step"


def _order(step: str, bare: Sequence[str]) -> str:
    gone = step.replace("make anew ", "delete the old ")
    first = gone in bare and bare.index(gone) < bare.index(step)
    return "replaced, the old one first" if first else "replaced, the new one first"


def _names(names: Iterable[str]) -> str:
    listed = sorted(names)
    if len(listed) > FEW:
        return f"{len(listed)} resources"
    return ", ".join(f"`{name}`" for name in listed)


def refusal_of(text: str) -> str:
    """Return what a refused preview says of the configuration."""
    found = re.search(r"cannot be used:\n\s+(.+)", text)
    assert found, text
    said = found[1].partition("make a second stack")[0].removesuffix(", or ")
    return f"refused: {said.removesuffix('; ')}"


def recorded_rows(page: Path = PAGE) -> list[str]:
    """Return the rows in the page."""
    table = page.read_text().partition(BEGIN)[2].partition(END)[0]
    return [line for line in table.splitlines() if line.startswith("| ")][1:]


def record_rows(rows: Sequence[str], page: Path = PAGE) -> None:
    """Write the rows into the page, between its marks."""
    before, _, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    lines = "\n".join([HEAD, *rows])
    page.write_text(f"{before}{BEGIN}\n\n{lines}\n\n{END}{after}")
