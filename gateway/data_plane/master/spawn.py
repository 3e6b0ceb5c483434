# SPDX-License-Identifier: Apache-2.0
"""Starting a worker process: forked at a node's start, anew in the place of one that ended.

It imports next to nothing: workers are started before all else.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import NamedTuple, Protocol

from gateway.compiled import use_compiled

_SHARED = (
    "uvloop",
    "gateway.data_plane.worker.worker",
    "gateway.plugins.kafka_upstream.handler",
    "gateway.plugins.kafka_upstream.schema",
)
"""What forked workers have loaded already: all that one imports which produces records."""


class ChildProcess(Protocol):
    """What the master asks of a worker's process; ``subprocess.Popen`` is one."""

    @property
    def pid(self) -> int:
        """The process id."""

    @property
    def returncode(self) -> int | None:
        """The exit code: negative for a signal, None until ``wait`` has returned."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, reap the process and return its exit code."""

    def send_signal(self, sig: int) -> None:
        """Send it a signal."""


class ForkedProcess:
    """A child that was forked."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, however long it takes, and return the exit code."""
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode

    def send_signal(self, sig: int) -> None:
        """Send it a signal."""
        if self.returncode is None:
            os.kill(self.pid, sig)


class Spawned(NamedTuple):
    """A worker process that was just started, and the master's end of its channel."""

    process: ChildProcess
    end: socket.socket
    trace: int = -1
    """A file in memory where the worker writes its stack on SIGUSR1; -1: it writes none."""
    store: socket.socket | None = None
    """The master's end of what the worker reaches the node's store by; None: it has none."""


def fork_workers(count: int) -> list[Spawned]:
    """Fork this many workers from a process that has neither threads nor an event loop yet.

    What they import is loaded once, and stays in memory once: what none of them writes to is shared
    (docs/performance.md, "Memory and start"). Nothing of the master is there yet to go along.
    """
    # What is imported stays. Frozen, the collector does not write to it, which would copy it. It
    # is off in the workers too, until they listen.
    gc.disable()
    use_compiled()
    for name in _SHARED:
        import_module(name)
    # Late, since a worker that is started anew imports it by itself.
    from gateway.entities.plugin_types import plugin_types

    plugin_types()
    # Without a collection: of the objects hardly any is garbage, and a look at all takes 20 ms.
    gc.freeze()
    spawned: list[Spawned] = []
    for index in range(count):
        spawned.append(_fork(index, spawned))
    gc.enable()
    return spawned


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


def _fork(index: int, siblings: Sequence[Spawned]) -> Spawned:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    store, its_store = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    made = Spawned(ForkedProcess(0), ours, os.memfd_create("kafka-gateway-trace"), store)
    counts = _counts()
    with theirs, its_store:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                _leave_to_master([*siblings, made])
                # Late, since the master has no use for it.
                from gateway.data_plane.worker.process import work

                work(theirs.detach(), counts, made.trace, its_store.detach(), index)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                # Never back up the stack: that is the master's.
                with suppress(OSError, ValueError):
                    sys.stdout.flush()
                    sys.stderr.flush()
                os._exit(code)
    return made._replace(process=ForkedProcess(pid))


def _leave_to_master(spawned: Sequence[Spawned]) -> None:
    """Close the master's ends: a worker must read the end of its channel when the master is gone.

    Its own trace stays, the last of them.
    """
    for worker in spawned:
        worker.end.close()
        if worker.store is not None:
            worker.store.close()
    for worker in spawned[:-1]:
        os.close(worker.trace)
    # A process of its own has these from its command: nothing to read, no module from the folder
    # that the gateway happens to be started in, no handlers of anybody's.
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    if not sys.flags.safe_path:
        del sys.path[0]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


@cache
def _counts() -> int:
    """Return the memory in which the node's workers count together; it outlives each of them."""
    return os.memfd_create("kafka-gateway-counts")
