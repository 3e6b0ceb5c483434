# SPDX-License-Identifier: Apache-2.0
"""The table of runs under load in docs/operations.md, which the runs themselves write."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tools.stubs.install import ROOT

PAGE = ROOT / "docs" / "operations.md"
BEGIN, END = "<!-- written by tests/kubernetes -->\n", "<!-- until here -->\n"
HEAD = (
    "| what happens meanwhile | sent | answered 2xx | in the topic | sent again | broken off |\n"
    "|---|---|---|---|---|---|\n"
)


@dataclass(frozen=True)
class Row:
    """What one run counted; ``again`` were sent once more on a new connection."""

    name: str
    sent: int
    good: int
    written: int
    again: int
    broken: int

    def __str__(self) -> str:
        """A line of the table."""
        numbers = (self.sent, self.good, self.written, self.again, self.broken)
        return f"| {' | '.join([self.name, *(f'{number:,}' for number in numbers)])} |"


def record(row: Row, page: Path = PAGE) -> None:
    """Put a row into the table in place of that of an earlier run."""
    before, _, rest = page.read_text().partition(BEGIN)
    table, _, after = rest.partition(END)
    lines = re.findall(r"^\| .* \|$", table.removeprefix(HEAD), re.MULTILINE)
    found = {line.split(" | ")[0].removeprefix("| "): line for line in lines}
    found[row.name] = str(row)
    made = HEAD + "".join(f"{line}\n" for line in found.values())
    page.write_text(before + BEGIN + made + END + after)
