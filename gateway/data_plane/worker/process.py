# SPDX-License-Identifier: Apache-2.0
"""The life of a worker process, forked or started by its command."""

from __future__ import annotations

import faulthandler
import signal
from contextlib import suppress
from pathlib import Path

NAME = "gateway-worker"
"""What ``ps -o comm`` and ``top`` show of it (at most 15 bytes, proc(5), comm)."""


def work(channel: int, counts: int, trace: int, store: int, index: int) -> None:
    """Run a worker until its master, a signal or the end of its master says stop.

    The first four are descriptors: its end of the channel to the master, the memory in which the
    workers count together, where its stack goes on SIGUSR1, and its end of the way to the store
    that they share. The last is its place among the workers.
    """
    with suppress(OSError):
        Path("/proc/self/comm").write_text(NAME)
    # Written by a handler in C, which runs also where the interpreter does not come to.
    faulthandler.register(signal.SIGUSR1, file=trace, all_threads=False)
    import uvloop

    from gateway.data_plane.worker.worker import run

    uvloop.run(run(channel, counts, index, store))
