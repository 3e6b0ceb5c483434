# SPDX-License-Identifier: Apache-2.0
"""The control group below which a run's pods are, in cgroup v1's hierarchies or v2's one."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
WITHIN = 30.0


def _roots(root: Path) -> Iterator[Path]:
    """Yield the root of every hierarchy that is mounted."""
    if (root / "cgroup.controllers").exists():
        yield root
        return
    for folder in sorted(root.iterdir()):
        # `cpu,cpuacct` has links by either name; a hierarchy is used once.
        if not folder.is_symlink() and (folder / "cgroup.procs").exists():
            yield folder


def make(name: str, root: Path = ROOT) -> None:
    """Make the group, with all processors and, in v2, all controllers for what is below it."""
    for hierarchy in _roots(root):
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        for file in ("cpuset.cpus", "cpuset.mems"):
            if (hierarchy / file).exists() and (group / file).exists():
                (group / file).write_text((hierarchy / file).read_text())
        if (hierarchy / "cgroup.subtree_control").exists():
            for folder in (hierarchy, group):
                for controller in (folder / "cgroup.controllers").read_text().split():
                    # One that the machine keeps for itself is not offered further.
                    with contextlib.suppress(OSError):
                        (folder / "cgroup.subtree_control").write_text(f"+{controller}")


def adopt(name: str, pid: int, root: Path = ROOT) -> None:
    """Have the process ``pid`` in the group, beside the pods: ``remove`` ends it too."""
    for hierarchy in _roots(root):
        # A new group of v1's cpuset has no processor: nothing can be moved there as it is.
        if not (hierarchy / "cpuset.mems").exists():
            beside = hierarchy / name / "beside"
            beside.mkdir(exist_ok=True)
            (beside / "cgroup.procs").write_text(str(pid))
            return


def working_set(pattern: str, root: Path = ROOT) -> int:
    """Return the bytes that the one group of a pattern takes as Kubernetes counts them: without
    pages of files that have not been used for a while (cAdvisor's ``working_set_bytes``).
    """
    for usage, inactive in (
        ("memory.current", "inactive_file"),
        ("memory.usage_in_bytes", "total_inactive_file"),
    ):
        for file in root.glob(f"{pattern}/{usage}"):
            lines = file.with_name("memory.stat").read_text().splitlines()
            figures = {name: int(value) for name, value in map(str.split, lines)}
            return int(file.read_text()) - figures[inactive]
    raise FileNotFoundError(f"{root}/{pattern}: no group with memory accounting")


def remove(name: str, root: Path = ROOT, within: float = WITHIN) -> None:
    """Remove the group and all below it, ending what still runs there."""
    deadline = time.monotonic() + within
    for hierarchy in _roots(root):
        group = hierarchy / name
        while group.exists():
            for folder in sorted(group.rglob("*"), key=lambda one: -len(one.parts)):
                if folder.is_dir():
                    _empty(folder)
            _empty(group)
            if group.exists() and time.monotonic() > deadline:
                raise TimeoutError(f"{group} is still in use")
            time.sleep(0.02 if group.exists() else 0)


def _empty(group: Path) -> None:
    with contextlib.suppress(OSError):
        for word in (group / "cgroup.procs").read_text().split():
            os.kill(int(word), signal.SIGKILL)
    with contextlib.suppress(OSError):
        group.rmdir()
