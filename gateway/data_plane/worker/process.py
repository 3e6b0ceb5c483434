# SPDX-License-Identifier: Apache-2.0
"""The life of a worker process, forked or started by its command."""

from __future__ import annotations

import faulthandler
import gc
import signal
from contextlib import suppress
from pathlib import Path

NAME = "gateway-worker"
"""What ``ps -o comm`` and ``top`` show of it (at most 15 bytes, proc(5), comm)."""

_YOUNG = 20_000
"""Objects made and not dropped since, after which the collector looks at them. A request under way
is ten to twenty, none of them in a cycle: after Python's 700 the collector would look through those
of 512 connections all the time and find nothing, which took a tenth of what a record costs."""


def work(channel: int, counts: int, trace: int, store: int, index: int) -> None:
    """Run a worker until its master, a signal or the end of its master says stop.

    The first four are descriptors: its end of the channel to the master, the memory in which the
    workers count together, where its stack goes on SIGUSR1 and in a crash, and its end of the way
    to the store that they share. The last is its place among the workers.
    """
    with suppress(OSError):
        Path("/proc/self/comm").write_text(NAME)
    # Written by a handler in C, which runs also where the interpreter does not come to.
    faulthandler.register(signal.SIGUSR1, file=trace, all_threads=False)
    # Where it crashes too: the master logs it.
    faulthandler.enable(file=trace, all_threads=False)
    collect_seldom()
    import uvloop

    from gateway.data_plane.worker.worker import run

    uvloop.run(run(channel, counts, index, store))


def collect_seldom() -> None:
    """Have the collector of cycles leave requests under way alone, in this process."""
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
