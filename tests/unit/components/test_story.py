# SPDX-License-Identifier: Apache-2.0
"""The table of what was done by hand, against the snapshot of the stack that does it now."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.snapshots import recorded

ROOT = Path(__file__).resolve().parents[3]
TABLE = (ROOT / "docs" / "by-hand-and-as-code.md").read_text().split("## Where", 1)[0]


def resources() -> set[tuple[str, str]]:
    """Return type and name of each resource in the snapshot of the stack ``konnect``."""
    found = set()
    for urn in recorded("konnect"):
        _, _, types, name = urn.split("::")
        found.add((types.split("$")[-1].rpartition(":")[2], name))
    return found


def test_every_resource_that_the_table_names_is_there() -> None:
    named = set(re.findall(r"`([A-Z]\w+)` `([a-z][\w-]+)`", TABLE))
    assert len(named) > 25
    assert named <= resources(), sorted(named - resources())


def test_every_step_is_in_the_table() -> None:
    steps = re.findall(r"^\| (\d+)(?:-(\d+))? ", TABLE, re.MULTILINE)
    covered = {n for first, last in steps for n in range(int(first), int(last or first) + 1)}
    assert covered == set(range(1, 17))
