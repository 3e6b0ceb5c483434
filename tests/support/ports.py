# SPDX-License-Identifier: Apache-2.0
"""Ports nobody uses at the moment."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import cycle

# Below the range from which the kernel takes ports for outgoing connections (32768 and up on
# Linux): one of those could take the port between our look and the server's bind.
_LOW, _HIGH = 15000, 32000


def _ports_of(process: int, processes: int) -> Iterator[int]:
    """Go round a share of the ports, in an order of its own.

    Each process of the tests has its share, and gives a port again only after all others. Of what
    they all draw from, two would now and then draw the same before either server has bound it, or
    while one is down in between.
    """
    own = list(range(_LOW + process, _HIGH, processes))
    random.SystemRandom().shuffle(own)
    return cycle(own)


_ports = _ports_of(
    int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")),
    int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")),
)


def free_ports(count: int) -> list[int]:
    """Return that many different free loopback ports, held open until all are known."""
    with ExitStack() as held:
        found: list[int] = []
        while len(found) < count:
            one = held.enter_context(socket.socket())
            with suppress(OSError):
                one.bind(("127.0.0.1", next(_ports)))
                found.append(one.getsockname()[1])
        return found
