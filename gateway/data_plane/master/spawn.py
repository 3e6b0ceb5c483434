# SPDX-License-Identifier: Apache-2.0
"""Starting a worker process. It imports next to nothing: workers are spawned before all else."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from functools import cache
from typing import NamedTuple


class Spawned(NamedTuple):
    """A worker process that was just started, and the master's end of its channel."""

    process: subprocess.Popen[bytes]
    end: socket.socket
    trace: int = -1
    """A file in memory where the worker writes its stack on SIGUSR1; -1: it writes none."""
    store: socket.socket | None = None
    """The master's end of what the worker reaches the node's store by; None: it has none."""


def spawn_worker(index: int) -> Spawned:
    """Start a worker process anew: nothing of the master's threads or memory goes along.

    Arguments hold numbers only; settings and secrets go over the channel.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    store, its_store = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with theirs, its_store:
        # -P: modules never come from the folder the gateway happens to be started in.
        command = [sys.executable, "-P", "-m", "gateway.data_plane.worker"]
        trace = os.memfd_create("kafka-gateway-trace")
        descriptors = (theirs.fileno(), _counts(), trace, its_store.fileno())
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [*command, *map(str, (*descriptors, index))],
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
        )
    return Spawned(process, ours, trace, store)


@cache
def _counts() -> int:
    """Return the memory in which the node's workers count together; it outlives each of them."""
    return os.memfd_create("kafka-gateway-counts")
