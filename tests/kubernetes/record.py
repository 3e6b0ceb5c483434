# SPDX-License-Identifier: Apache-2.0
"""The tables of runs and of figures in docs/operations.md, which the tests themselves write."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from tools.stubs.install import ROOT

PAGE = ROOT / "docs" / "operations.md"
END = "<!-- until here -->\n"


@dataclass(frozen=True)
class Table:
    """One of the page's: the line before it, and its first two."""

    begin: str
    head: str


RUNS = Table(
    "<!-- written by tests/kubernetes -->\n",
    "| what happens meanwhile | sent | answered 2xx | in the topic | sent again | broken off "
    "| requests/s |\n|---|---|---|---|---|---|---|\n",
)
FIGURES = Table("<!-- figures of tests/kubernetes -->\n", "| what | figure |\n|---|---|\n")


@dataclass(frozen=True)
class Row:
    """What one run counted; ``again`` were sent once more on a new connection."""

    name: str
    sent: int
    good: int
    written: int
    again: int
    broken: int
    rate: float

    def __str__(self) -> str:
        """A line of the table."""
        numbers = (self.sent, self.good, self.written, self.again, self.broken, round(self.rate))
        return f"| {' | '.join([self.name, *(f'{number:,}' for number in numbers)])} |"


def record(row: Row | tuple[str, str], page: Path = PAGE) -> None:
    """Put a row, or a figure with its name, into its table in place of an earlier one; only where
    KUBERNETES_RECORD=1 in the environment asks for it.
    """
    if os.environ.get("KUBERNETES_RECORD") != "1":
        return
    table = RUNS if isinstance(row, Row) else FIGURES
    name, line = (
        (row.name, str(row)) if isinstance(row, Row) else (row[0], f"| {row[0]} | {row[1]} |")
    )
    before, _, rest = page.read_text().partition(table.begin)
    text, _, after = rest.partition(END)
    lines = re.findall(r"^\| .* \|$", text.removeprefix(table.head), re.MULTILINE)
    found = {one.split(" | ")[0].removeprefix("| "): one for one in lines}
    found[name] = line
    made = table.head + "".join(f"{one}\n" for one in found.values())
    page.write_text(before + table.begin + made + END + after)
