# SPDX-License-Identifier: Apache-2.0
"""What this node is: its id, and how many processors it may use."""

from __future__ import annotations

import math
import os
from pathlib import Path
from uuid import UUID, uuid4

from gateway.atomic_file import write_atomically

CGROUP = Path("/sys/fs/cgroup")


def node_id(prefix: Path) -> str:
    """Return the id kept in ``<prefix>/kong.id``; the first start makes it up.

    The same place and form as Kong's, so that a control plane sees the same node after a restart.
    """
    file = prefix / "kong.id"
    try:
        return str(UUID(file.read_text().strip()))
    except (OSError, ValueError):
        made = str(uuid4())
        write_atomically(file, made.encode() + b"\n")
        return made


def processors(cgroup: Path = CGROUP) -> int:
    """Return how many processors this process may use: affinity, cut by the cgroup's quota.

    A container with a limit of 1.5 processors gets 2: one would leave half a processor unused.
    """
    available = len(os.sched_getaffinity(0))
    quota = _quota(cgroup)
    return available if quota is None else max(1, min(available, math.ceil(quota)))


def _quota(cgroup: Path) -> float | None:
    """Return the processor quota of cgroup v2, else v1, in processors; None without one."""
    try:
        limit, period = (cgroup / "cpu.max").read_text().split()
        return None if limit == "max" else int(limit) / int(period)
    except (OSError, ValueError):
        pass
    try:
        limit = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text()
        period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text()
        return int(limit) / int(period) if int(limit) > 0 else None
    except (OSError, ValueError):
        return None
