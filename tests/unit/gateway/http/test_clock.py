# SPDX-License-Identifier: Apache-2.0
"""The clock that is read often and set seldom."""

from __future__ import annotations

import time

import pytest

from gateway.http.clock import Clock


def test_a_tick_sets_both_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(time, "time", lambda: 784111777.0)
    monkeypatch.setattr(time, "monotonic", lambda: 5.0)
    assert clock.tick()
    # The example of RFC 9110 section 5.6.7.
    assert (clock.now, clock.date) == (5.0, b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n")
    assert not clock.tick(), "the same second has the same Date"
