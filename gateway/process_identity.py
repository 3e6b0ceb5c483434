# SPDX-License-Identifier: Apache-2.0
"""Which process a pid means: when it was started and in which boot of the machine count, too.

A pid alone means nothing after a reboot or once it is used again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROC = Path("/proc")
# Positions in /proc/<pid>/stat after the name, which may itself hold blanks and brackets.
STATE, SESSION, STARTED = 0, 3, 19
DEAD = frozenset("ZX")


@dataclass(frozen=True)
class ProcessIdentity:
    """One process of one boot; no other process ever has it. ``started`` is in clock ticks."""

    pid: int
    started: int
    boot: str


@cache
def boot_id() -> str:
    """The running kernel's boot, or an empty string where it has no such name."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def identify(pid: int) -> ProcessIdentity | None:
    """Return the identity of the live process ``pid``; None when there is none or a zombie."""
    fields = stat_fields(pid)
    if fields is None or fields[STATE] in DEAD:
        return None
    return ProcessIdentity(pid, int(fields[STARTED]), boot_id())


def stat_fields(pid: int) -> list[str] | None:
    """Return the fields of /proc/<pid>/stat behind the name; None when there is no such process."""
    try:
        content = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return content.rpartition(")")[2].split()
