# SPDX-License-Identifier: Apache-2.0
"""Records are late when their deadline is over, and those taken after them are not."""

from __future__ import annotations

import asyncio
from time import monotonic

from gateway.kafka.deadlines import Deadlines
from tests.support.producing import until


async def test_what_was_taken_before_is_late_and_what_came_after_is_not() -> None:
    late: list[int] = []

    def expire(last: int) -> bool:
        late.append(last)
        return True

    deadlines = Deadlines(asyncio.get_running_loop(), 60.0, expire)
    deadlines.mark(monotonic() - 61, 3)
    deadlines.mark(monotonic(), 5)
    await until(lambda: len(late) >= 2)
    deadlines.close()
    assert late[:2] == [3, 0]


async def test_the_sweep_ends_when_there_is_nothing_to_look_after() -> None:
    calls: list[int] = []

    def expire(last: int) -> bool:
        calls.append(last)
        return False

    deadlines = Deadlines(asyncio.get_running_loop(), 0.0, expire)
    deadlines.mark(monotonic(), 1)
    await until(lambda: calls)
    deadlines.mark(monotonic(), 1)
    deadlines.mark(monotonic(), 2)
    await until(lambda: len(calls) == 2)
    assert calls == [1, 2]
