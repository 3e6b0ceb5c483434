# SPDX-License-Identifier: Apache-2.0
"""Looking at real processes through /proc."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def running_in(folder: Path) -> list[int]:
    """Return the processes that name ``folder`` in their arguments or their environment."""
    found = []
    mark = os.fsencode(folder)
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if mark in text:
            found.append(int(entry.name))
    return sorted(found)


def command_of(pid: int) -> str:
    """Return a process's arguments, joined by blanks."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()


def name_of(pid: int) -> str:
    """Return the name a process has, or has given itself; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def children_of(pid: int) -> list[int]:
    """Return the direct children of a process."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def alive(pid: int) -> bool:
    """Tell whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def kill(*pids: int) -> None:
    """Kill at once, without a chance to clean up."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
