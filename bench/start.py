# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.start [starts]``: how long a node takes from its command to its first response.

One worker, a declarative configuration with a route, all processors. The route does not produce: a
worker gives Kafka some time to be reachable before it listens, which is Kafka's, not the gateway's.
Also prints the processor time of its processes until then, which says something on a machine that
others use as well, and their memory. The first start is not counted: it may write bytecode.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.gateway import COMMAND, node_environment
from bench.processes import ServerProcess, low_ports, resident_bytes

_AGAIN = 0.005
"""Seconds between two looks."""
_WITHIN = 60.0
_CONFIGURATION = {"_format_version": "3.0", "routes": [{"name": "r", "paths": ["/r"]}]}
_REQUEST = b"GET /none HTTP/1.1\r\nhost: localhost\r\n\r\n"


class Start(NamedTuple):
    """Seconds by the clock, seconds of processor time, bytes (proportional)."""

    clock: float
    processor: float
    memory: int


def main(arguments: list[str]) -> int:
    """Start nodes one after the other and print a line for each; return an exit code."""
    starts = int(arguments[0]) if arguments else 6
    found = []
    for number in range(starts + 1):
        with tempfile.TemporaryDirectory() as folder:
            one = _start(Path(folder))
        print(f"{_line(one)}{'' if number else ', not counted'}", flush=True)
        if number:
            found.append(one)
    clock, processor, memory = (median(column) for column in zip(*found, strict=True))
    print(f"median: {_line(Start(clock, processor, int(memory)))}")
    return 0


def _line(one: Start) -> str:
    taken = f"ready after {one.clock:.3f} s, {one.processor:.2f} s of processor time"
    return f"{taken}, {one.memory / 2**20:.0f} MiB"


def _start(folder: Path) -> Start:
    document = folder / "kong.json"
    document.write_text(json.dumps(_CONFIGURATION))
    (port,) = low_ports(1)
    begin = time.monotonic()
    node = ServerProcess(
        "gateway",
        [str(COMMAND), "run"],
        port,
        node_environment(folder, document, f"127.0.0.1:{port}"),
        folder / "log",
        sorted(os.sched_getaffinity(0)),
    )
    try:
        while not _responds(port):
            if time.monotonic() - begin > _WITHIN:
                raise RuntimeError(f"no response within {_WITHIN:g} s")
            time.sleep(_AGAIN)
        taken = time.monotonic() - begin
        return Start(taken, node.cpu_seconds(), resident_bytes(node.pid))
    finally:
        node.stop()


def _responds(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as one:
        one.sendall(_REQUEST)
        return one.recv(64).startswith(b"HTTP/1.1 404")
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
