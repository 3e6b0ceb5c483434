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
    """Stands in ``request.admission``. ``decide`` raises ``RequestRejected``, now or awaited."""

    __slots__ = ("_decide", "_request")

    def __init__(self, request: Request, decide: Decide) -> None:
        self._request = request
        self._decide = decide

    def admit(
        self, topics: Sequence[str], records: int, size: int
    ) -> Generator[Awaited | None, None, None]:
        """Let so many records, of ``size`` bytes together, into each topic, or raise."""
        waiting = self._decide(self._request, topics, records, size)
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
