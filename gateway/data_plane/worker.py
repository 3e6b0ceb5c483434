# SPDX-License-Identifier: Apache-2.0
"""The worker process: ``python -m gateway.data_plane.worker <channel> <counts> <index>``.

The first two are descriptors: its end of the channel to the master, and the memory in which the
workers count together.
"""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the process."""
    # What is imported stays: looking through it again and again is 30 ms of a start. The
    # collector comes back when the worker listens.
    gc.disable()
    import uvloop

    from gateway.data_plane.serving import run

    uvloop.run(run(*map(int, sys.argv[1:4])))


if __name__ == "__main__":
    main()
