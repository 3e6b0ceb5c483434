# SPDX-License-Identifier: Apache-2.0
"""The very start of a node: read the settings, spawn the workers, and only then load the master.

The order is for the second in which a node must serve again: the workers import for 0.6 s, which
the master's own imports would otherwise come before. So this module imports next to nothing.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

from gateway.data_plane.node import processors
from gateway.settings.settings import Settings

ReadValues = Callable[[], Mapping[str, str]]


class Spawned(NamedTuple):
    """A worker process that was just started, and the master's end of its channel."""

    process: subprocess.Popen[bytes]
    end: socket.socket
    trace: int = -1
    """A file in memory where the worker writes its stack on SIGUSR1; -1: it writes none."""


def spawn_worker(index: int) -> Spawned:
    """Start a worker process anew: nothing of the master's threads or memory goes along.

    Arguments hold numbers only; settings and secrets go over the channel.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with theirs:
        # -P: modules never come from the folder the gateway happens to be started in.
        command = [sys.executable, "-P", "-m", "gateway.data_plane.worker"]
        trace = os.memfd_create("kafka-gateway-trace")
        descriptors = (theirs.fileno(), _counts(), trace)
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [*command, *map(str, (*descriptors, index))],
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
        )
    return Spawned(process, ours, trace)


@cache
def _counts() -> int:
    """Return the memory in which the node's workers count together; it outlives each of them."""
    return os.memfd_create("kafka-gateway-counts")


def run_data_plane(read_values: ReadValues) -> None:
    """Run a node until SIGTERM or SIGINT. Raises ``SettingsError`` when it cannot start.

    ``read_values`` reads the raw settings; it is called again on SIGHUP.
    """
    values = dict(read_values())
    settings = Settings.from_values(values)
    count = settings.nginx_worker_processes or processors()
    spawned = [spawn_worker(index) for index in range(count)]
    try:
        # Imported here: see above.
        from gateway.data_plane.master.master import run_master

        run_master(read_values, values, spawned)
    finally:
        for worker in spawned:
            # Those that still run read the end of their channel, drain and end.
            worker.end.close()
