# SPDX-License-Identifier: Apache-2.0
"""How many workers this node's processors and memory carry."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
MEBIBYTE = 1 << 20
MASTER_MEMORY = 64 * MEBIBYTE
WORKER_MEMORY = 64 * MEBIBYTE
"""What each process may come to need: twice what an idle one has for itself, for connections,
bodies and the records that wait for Kafka. One started anew shares nothing (``spawn_worker``).
"""
NO_LIMIT = 1 << 60
"""From here on a number of bytes means that there is no limit: cgroup v1 has no other word."""


@dataclass(frozen=True)
class Capacity:
    """What this process's cgroups leave it: ``processors``, and bytes of memory or None."""

    processors: int
    memory: int | None

    @property
    def workers(self) -> int:
        """One for each processor, as many as the memory has room for, at least one."""
        if self.memory is None:
            return self.processors
        room = (self.memory - MASTER_MEMORY) // WORKER_MEMORY
        return max(1, min(self.processors, room))


def capacity(cgroup: Path = CGROUP, membership: Path = MEMBERSHIP) -> Capacity:
    """Return what this process may use: affinity, and the tightest limits of its cgroups.

    Both versions of cgroups are read (kernel.org, "Control Group v2", cpu.max and memory.max;
    "CFS Bandwidth Control" and "Memory Resource Controller" for v1). A container sees its own group
    as the root; a service of systemd is somewhere below it, and every group above limits it too.
    A limit of 1.5 processors counts as 2: one would leave half a processor unused.
    """
    available = len(os.sched_getaffinity(0))
    groups = _groups(cgroup, membership)
    quotas = [found for group in groups if (found := _quota(group)) is not None]
    limits = [found for group in groups if (found := _memory(group)) is not None]
    processors = max(1, min([available, *map(math.ceil, quotas)]))
    return Capacity(processors, min(limits, default=None))


def processors(cgroup: Path = CGROUP, membership: Path = MEMBERSHIP) -> int:
    """Return on how many processors workers run: one worker each, if memory has room for it."""
    return capacity(cgroup, membership).workers


def _groups(cgroup: Path, membership: Path) -> list[Path]:
    """Return the folders of this process's groups, v1's by controller, up to the roots."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        lines = []
    found = [cgroup, cgroup / "cpu", cgroup / "memory"]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for name in controllers.split(","):
            own = cgroup / name / path.lstrip("/")
            # A path of the host's, seen from a container, is not there: the root is its own.
            found += [group for group in (own, *own.parents) if cgroup / name in group.parents]
    return found


def _quota(group: Path) -> float | None:
    """Return a group's quota in processors, by v2's file or by v1's; None without one."""
    try:
        limit, period = (group / "cpu.max").read_text().split()
        return None if limit == "max" else int(limit) / int(period)
    except (OSError, ValueError):
        pass
    try:
        limit = (group / "cpu.cfs_quota_us").read_text()
        period = (group / "cpu.cfs_period_us").read_text()
        return int(limit) / int(period) if int(limit) > 0 else None
    except (OSError, ValueError):
        return None


def _memory(group: Path) -> int | None:
    """Return a group's limit in bytes, by v2's file or by v1's; None without one."""
    for name in ("memory.max", "memory.limit_in_bytes"):
        try:
            limit = int((group / name).read_text())
        except (OSError, ValueError):
            # "max" is a word, and means that there is none.
            continue
        return limit if limit < NO_LIMIT else None
    return None
