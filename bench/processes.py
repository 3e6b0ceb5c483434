# SPDX-License-Identifier: Apache-2.0
"""Server processes of a run: starting them, waiting for their port, their CPU time, their end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cores:
    """Which cores the server under test gets, and which all others (generator, broker)."""

    server: list[int]
    others: list[int]

    @classmethod
    def of_this_machine(cls) -> Cores:
        """The last core for the server; with a single one, everybody shares it."""
        available = sorted(os.sched_getaffinity(0))
        return cls(available[-1:], available[:-1] or available)


def low_ports(count: int) -> list[int]:
    """Return free ports below those that the system hands out by itself.

    Workers share their port (SO_REUSEPORT), so a port that the system gave to somebody else's
    gateway meanwhile would not be refused: half the requests would go there.
    """
    found: list[int] = []
    start = 10_000 + os.getpid() * 64 % 20_000
    for port in range(start, start + 2000):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError(f"no {count} free ports from {start} on")


class ServerProcess:
    """One server, on cores of its own, with its output in a file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        port: int,
        environment: Mapping[str, str],
        log: Path,
        cores: Sequence[int],
    ) -> None:
        self.name = name
        self.port = port
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                # Bytecode is kept, as installed packages have theirs.
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment},
                stdout=output,
                stderr=output,
                start_new_session=True,
                # The process itself sets its affinity before it becomes the command.
                preexec_fn=lambda: os.sched_setaffinity(0, cores),
            )

    @property
    def pid(self) -> int:
        """The first process of the server."""
        return self._process.pid

    def wait_until_ready(self, within: float = 30.0) -> None:
        """Wait until the port answers; raises ``RuntimeError`` with the log when it does not."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.05)
        raise RuntimeError(f"{self.name} did not start:\n{self._log.read_text()[-3000:]}")

    def cpu_seconds(self) -> float:
        """User and system time of the process and all below it, so far."""
        return sum(process_seconds(pid) for pid in _tree(self.pid))

    def hang_up(self) -> None:
        """Ask it to read its configuration again."""
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """End it, and whatever it started."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait(timeout=5)


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and all below it; what they share counts once (proc(5), Pss)."""
    found = 0
    for one in _tree(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    found += 1024 * int(line.split()[1])
    return found


def _tree(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def process_seconds(pid: int) -> float:
    """User and system time of one process, so far; nothing once it is gone."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICK if fields else 0.0


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the third (state) on; the second may hold spaces."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
