# SPDX-License-Identifier: Apache-2.0
"""Work that takes long, done when the threads that serve requests leave the processor to it.

That is reading a configuration in the master and compiling it in a worker. Without it, a new
configuration would be felt: where threads compete for a processor, the one that serves would wait
for the other's slice to end, some milliseconds each time it wakes up.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import TypeVar

T = TypeVar("T")

_NICE = 10
"""About a tenth of the others' share where they want the same processor (sched(7))."""
_SWITCH_INTERVAL = 0.0001
"""Seconds until the thread lets the event loop have the interpreter; Python's own 5 ms would be
felt."""


async def at_low_priority(function: Callable[..., T], *arguments: object) -> T:
    """Call a function in a thread that gives way; return what it returns.

    One after the other: there is one such thread in a process.
    """
    return await asyncio.get_running_loop().run_in_executor(_thread(), _run, function, arguments)


def _run(function: Callable[..., T], arguments: tuple[object, ...]) -> T:
    # Here, where one call ends before the next begins: each finds the interval as it was.
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_INTERVAL)
    try:
        return function(*arguments)
    finally:
        sys.setswitchinterval(before)


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "low-priority", _give_way)


def _give_way() -> None:
    # Linux keeps a nice value for each thread.
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
