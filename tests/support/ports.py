# SPDX-License-Identifier: Apache-2.0
"""Ports nobody uses at the moment."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack, suppress

# Below the range from which the kernel takes ports for outgoing connections (32768 and up on
# Linux): one of those could take the port between our look and the server's bind.
_LOW, _HIGH = 15000, 32000


def free_ports(count: int) -> list[int]:
    """Return that many different free loopback ports, held open until all are known."""
    with ExitStack() as held:
        found: list[int] = []
        while len(found) < count:
            one = held.enter_context(socket.socket())
            with suppress(OSError):
                one.bind(("127.0.0.1", random.randint(_LOW, _HIGH)))
                found.append(one.getsockname()[1])
        return found
