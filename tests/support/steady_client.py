# SPDX-License-Identifier: Apache-2.0
"""A client in a process of its own that asks on, one request after another, and times each.

`python steady_client.py PORT PATH`: for each line on stdin, `look` or `take`, it writes what it saw
since the last `take` as one line of JSON. Imported it starts one.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PAUSE = 0.002


@dataclass(frozen=True)
class Seen:
    """Requests answered, connections that broke, and times in milliseconds."""

    answered: int
    broken: int
    p50: float
    p99: float
    longest: float

    def __str__(self) -> str:
        return (
            f"{self.answered} answered, {self.broken} broken, p50 {self.p50:.1f} ms, "
            f"p99 {self.p99:.1f} ms, longest {self.longest:.0f} ms"
        )


class SteadyClient:
    """The client's process as the test sees it."""

    def __init__(self, port: int, path: str) -> None:
        # -P: modules beside this file have names of the standard library.
        command = [sys.executable, "-P", str(Path(__file__)), str(port), path]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def take(self) -> Seen:
        """Return what it saw since the last call."""
        return self._ask("take")

    def answered(self) -> int:
        """Return how many requests were answered since the last ``take``."""
        return self._ask("look").answered

    def after(self, requests: int) -> Seen:
        """Take when so many were answered."""
        eventually(lambda: self.answered() >= requests, every=0.1)
        return self.take()

    def _ask(self, word: str) -> Seen:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        return Seen(**json.loads(self.process.stdout.readline()))


@contextmanager
def asking(port: int, path: str) -> Iterator[SteadyClient]:
    """Run a client until the end of the block."""
    client = SteadyClient(port, path)
    try:
        yield client
    finally:
        client.process.communicate(timeout=PATIENCE)


class _Times:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: list[float] = []
        self._broken = 0

    def add(self, seconds: float | None) -> None:
        with self._lock:
            if seconds is None:
                self._broken += 1
            else:
                self._times.append(seconds * 1000)

    def tell(self, forget: bool) -> Seen:
        with self._lock:
            times, broken = sorted(self._times), self._broken
            if forget:
                self._times, self._broken = [], 0
        if not times:
            return Seen(0, broken, 0.0, 0.0, 0.0)
        middle, high = times[len(times) // 2], times[int(len(times) * 0.99)]
        return Seen(len(times), broken, middle, high, times[-1])


def _ask(port: int, path: str, times: _Times) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while True:
        started = time.perf_counter()
        try:
            connection.request("GET", path)
            connection.getresponse().read()
            times.add(time.perf_counter() - started)
        except (OSError, http.client.HTTPException):
            times.add(None)
            connection.close()
        time.sleep(_PAUSE)


def _main() -> None:
    times = _Times()
    for _ in range(2):
        arguments = (int(sys.argv[1]), sys.argv[2], times)
        threading.Thread(target=_ask, args=arguments, daemon=True).start()
    for line in sys.stdin:
        seen = times.tell(line.strip() == "take")
        sys.stdout.write(json.dumps(seen.__dict__) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()
else:
    from tests.support.waiting import PATIENCE, eventually
