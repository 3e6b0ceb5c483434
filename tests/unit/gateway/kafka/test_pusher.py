# SPDX-License-Identifier: Apache-2.0
"""No push is under way that is not told of."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.kafka.pusher import Pusher
from tests.support.waiting import PATIENCE, eventually

ROUNDS = 20_000


@pytest.fixture
def quick_switches() -> Iterator[None]:
    """Have threads take turns between any two lines."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("quick_switches")
def test_while_something_is_pushed_it_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    untold: list[str] = []
    pushed = threading.Event()

    def flush(*_: Any) -> None:
        if not made.busy:
            untold.append("before")
        pushed.set()
        if not made.busy:
            untold.append("behind")

    monkeypatch.setattr("gateway.kafka.pusher.lib", SimpleNamespace(rd_kafka_flush=flush))
    made = Pusher(None)
    for _ in range(ROUNDS):
        pushed.clear()
        made.push()
        assert pushed.wait(PATIENCE), "a push was lost"
    eventually(lambda: not made.busy)
    made.stop()
    assert not untold


def test_a_push_that_is_forgotten_before_it_began_is_not_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, may_end, pushes = threading.Event(), threading.Event(), []

    def flush(*_: Any) -> None:
        pushes.append(1)
        begun.set()
        assert may_end.wait(PATIENCE)

    monkeypatch.setattr("gateway.kafka.pusher.lib", SimpleNamespace(rd_kafka_flush=flush))
    made = Pusher(None)
    made.push()
    assert begun.wait(PATIENCE)
    # The thread is at the first one.
    made.push()
    assert made.forget(), "one is under way"
    may_end.set()
    eventually(lambda: not made.busy)
    assert len(pushes) == 1
    assert not made.forget()
    made.push()
    eventually(lambda: not made.busy)
    made.stop()
    assert len(pushes) == 2
