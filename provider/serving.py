# SPDX-License-Identifier: Apache-2.0
"""How a plugin of the engine lives: it prints its port, serves, and leaves at once when told to."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

import grpc

from provider.parent import on_parent_death


def serve_the_engine(
    server: grpc.Server, parent: int, at_end: Callable[[], object] | None = None
) -> NoReturn:
    """Serve on a free loopback port until SIGINT, SIGTERM or the end of the process ``parent``.

    The engine reads the port from the first line that is printed. ``at_end`` is called last.
    """
    port = server.add_insecure_port("127.0.0.1:0")
    leaving = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: leaving.set())
    on_parent_death(leaving.set, parent)
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    leaving.wait()
    if at_end is not None:
        at_end()
    # Threads may still hang in a call whose result is no longer needed: no orderly exit.
    os._exit(0)
