# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import sys
import threading

import pytest

from gateway.data_plane.low_priority import at_low_priority


async def test_what_takes_long_gives_way_to_the_event_loop() -> None:
    def look() -> tuple[int, int, float]:
        number = threading.get_native_id()
        return number, os.getpriority(os.PRIO_PROCESS, number), sys.getswitchinterval()

    own = os.getpriority(os.PRIO_PROCESS, 0)
    interval = sys.getswitchinterval()
    number, nice, during = await at_low_priority(look)
    assert number != threading.get_native_id()
    assert nice == 10
    assert during < interval
    assert sys.getswitchinterval() == interval
    assert os.getpriority(os.PRIO_PROCESS, 0) == own


async def test_its_result_and_its_error_come_back() -> None:
    assert await at_low_priority(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await at_low_priority(divmod, 7, 0)
