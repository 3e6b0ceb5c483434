# SPDX-License-Identifier: Apache-2.0
"""The question that a plugin which writes records asks before it hands over the first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator, Sequence
from typing import TYPE_CHECKING, Any

from gateway.http.messages import Request

if TYPE_CHECKING:
    from gateway.plugins.produce.turns import Awaited

Decide = Callable[[Request, Sequence[str], int, int], Coroutine[Any, Any, None] | None]


class Admission:
    """Stands in ``request.admission``; one for all requests of a quota."""

    __slots__ = ("at_once", "decide")

    def __init__(self, decide: Decide, *, at_once: bool) -> None:
        self.decide = decide
        """Let so many records, of so many bytes together, into each topic of a request.

        Raises ``RequestRejected``, now or awaited."""
        self.at_once = at_once
        """It never has to be waited for."""

    def admit(
        self, request: Request, topics: Sequence[str], records: int, size: int
    ) -> Generator[Awaited | None, None, None]:
        """Decide, between other requests where it has to be waited for."""
        waiting = self.decide(request, topics, records, size)
        if waiting is not None:
            decision = Decision(waiting)
            yield decision
            decision.result()


class Decision:
    """A decision that is waited for."""

    def __init__(self, waiting: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.get_running_loop().create_task(waiting)

    def then_go_on(self, go_on: Callable[[], None]) -> None:
        """Call ``go_on`` when it is there."""
        self._task.add_done_callback(lambda _: go_on())

    def result(self) -> None:
        """Return, or raise what was decided."""
        self._task.result()
