# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition with a deadline: no test sleeps for a fixed time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 90.0
"""Seconds after which something that was to happen will not: ten times what a busy machine takes.

What happens ends the wait, so that nobody waits as long unless a test is to fail.
"""


def eventually(condition: Callable[[], T], within: float = PATIENCE, every: float = 0.02) -> T:
    """Return the first truthy result of ``condition``; fail after ``within`` seconds."""
    deadline = time.monotonic() + within
    pause = threading.Event()
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{condition} did not hold within {within} s (last: {found!r})")
        pause.wait(every)
