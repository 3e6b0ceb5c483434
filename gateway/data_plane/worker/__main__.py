# SPDX-License-Identifier: Apache-2.0
"""The worker process as a command: ``python -m gateway.data_plane.worker`` and five numbers.

They are the arguments of ``work``.
"""

from __future__ import annotations

import gc
import sys

from gateway.compiled import use_compiled
from gateway.data_plane.worker.process import work


def main() -> None:
    """Run the process."""
    # What is imported stays: looking through it again and again is 30 ms of a start. The
    # collector comes back when the worker listens.
    gc.disable()
    use_compiled()
    channel, counts, trace, store, index = map(int, sys.argv[1:6])
    work(channel, counts, trace, store, index)


if __name__ == "__main__":
    main()
