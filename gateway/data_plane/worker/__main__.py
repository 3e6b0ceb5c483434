# SPDX-License-Identifier: Apache-2.0
"""The worker process: ``python -m gateway.data_plane.worker`` and five numbers.

The first four are descriptors: its end of the channel to the master, the memory in which the
workers count together, where its stack goes on SIGUSR1, and its end of the way to the store that
they share. The last is its place among the workers.
"""

from __future__ import annotations

import faulthandler
import gc
import signal
import sys


def main() -> None:
    """Run the process."""
    # What is imported stays: looking through it again and again is 30 ms of a start. The
    # collector comes back when the worker listens.
    gc.disable()
    channel, counts, trace, store, index = map(int, sys.argv[1:6])
    # Written by a handler in C, which runs also where the interpreter does not come to.
    faulthandler.register(signal.SIGUSR1, file=trace, all_threads=False)
    import uvloop

    from gateway.data_plane.worker.worker import run

    uvloop.run(run(channel, counts, index, store))


if __name__ == "__main__":
    main()
