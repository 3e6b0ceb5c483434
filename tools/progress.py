# SPDX-License-Identifier: Apache-2.0
"""How far a long step is: a bar on a terminal, a line now and then elsewhere.

Only the standard library is used, since nothing is installed yet.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TextIO

_REDRAWN, _REPEATED = 0.2, 10.0
"""Seconds between two states of a bar, and between two lines."""
_WIDTH = 24
_CLEAR = "\r\x1b[K"
_lock = threading.RLock()


class Step:
    """One step at work. ``tell`` may be called by any thread."""

    def __init__(self, name: str, stream: TextIO) -> None:
        self._name = name
        self._stream = stream
        self._started = monotonic()
        self._done, self._total = 0, 0
        self._drawn = False
        self.is_terminal = stream.isatty()

    def tell(self, done: int, total: int) -> None:
        """Note that so much of the whole is done; a total of 0: nobody knows how much that is."""
        self._done, self._total = done, total

    def show(self) -> None:
        """Draw the bar, or write a line."""
        with _lock:
            seconds = f"{monotonic() - self._started:.0f} s"
            share = min(1.0, self._done / self._total) if self._total else None
            if not self.is_terminal:
                far = "still at it" if share is None else f"{share:.0%}"
                self._stream.write(f"==> {self._name}: {far} after {seconds}\n")
            elif share is None:
                self._stream.write(f"{_CLEAR}    {self._name}  {seconds}")
            else:
                filled = round(share * _WIDTH)
                bar = "█" * filled + "░" * (_WIDTH - filled)
                self._stream.write(f"{_CLEAR}    {self._name}  {bar}  {share:.0%}  {seconds}")
            self._drawn = self.is_terminal
            self._stream.flush()

    def clear(self) -> None:
        """Take the bar away, so that a line can be written in its place."""
        with _lock:
            if self._drawn:
                self._stream.write(_CLEAR)
                self._stream.flush()
                self._drawn = False


_at_work: list[Step] = []


@contextmanager
def step(name: str, stream: TextIO | None = None, *, every: float | None = None) -> Iterator[Step]:
    """Show how far a step is until it ends. ``every``: seconds between two states."""
    shown = Step(name, stream or sys.stderr)
    pause = every or (_REDRAWN if shown.is_terminal else _REPEATED)
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(pause):
            shown.show()

    watching = threading.Thread(target=watch, name="progress", daemon=True)
    watching.start()
    _at_work.append(shown)
    try:
        yield shown
    finally:
        _at_work.remove(shown)
        ended.set()
        watching.join()
        shown.clear()


def tell(done: int, total: int) -> None:
    """Note how far the step at work is, if there is one."""
    if _at_work:
        _at_work[-1].tell(done, total)


def say(text: str) -> None:
    """Write one line, above the bar where one is drawn."""
    with _lock:
        if _at_work:
            _at_work[-1].clear()
        print(f"==> {text}", file=sys.stderr, flush=True)
