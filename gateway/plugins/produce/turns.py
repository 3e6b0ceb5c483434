# SPDX-License-Identifier: Apache-2.0
"""Work for one request that is long: done in turns, between which others get theirs.

The work is a generator that yields wherever it may be interrupted: None, or something to wait for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from time import monotonic
from typing import Protocol

from gateway.http.messages import Pending, Response

TURN = 0.002
"""Seconds after which the event loop runs again."""


class Awaited(Protocol):
    """What a generator may wait for."""

    def then_go_on(self, go_on: Callable[[], None]) -> None:
        """Call ``go_on`` once, when it is there."""
        ...


Steps = Generator[Awaited | None, None, Response | Pending]


def in_turns(steps: Steps, failed: Callable[[Exception], Response]) -> Response | Pending:
    """Return what the work returns: now, if one turn is enough for it.

    ``failed`` makes a response of what the work raises. When the client closes the connection
    while something is waited for, the work ends there; otherwise it is done to the end.
    """
    turns = _ResponseInTurns(steps, failed)
    return turns.take() or turns


class _ResponseInTurns(Pending):
    """The response of work that takes several turns."""

    __slots__ = ("_failed", "_steps")

    def __init__(self, steps: Steps, failed: Callable[[Exception], Response]) -> None:
        super().__init__()
        self._steps = steps
        self._failed = failed

    def take(self) -> Response | Pending | None:
        """Work for a turn; return the response if that was the last."""
        end = monotonic() + TURN
        try:
            while True:
                awaited = next(self._steps)
                if awaited is not None:
                    awaited.then_go_on(self._go_on_unless_abandoned)
                    return None
                if monotonic() >= end:
                    asyncio.get_running_loop().call_soon(self._go_on)
                    return None
        except StopIteration as done:
            response: Response | Pending = done.value
            return response
        except Exception as error:
            return self._failed(error)

    def _go_on_unless_abandoned(self) -> None:
        if self.abandoned:
            self._steps.close()
        else:
            self._go_on()

    def _go_on(self) -> None:
        response = self.take()
        if isinstance(response, Pending):
            response.then(self.resolve)
        elif response is not None:
            self.resolve(response)
