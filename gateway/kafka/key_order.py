# SPDX-License-Identifier: Apache-2.0
"""Records with one key stay in order, also when a broker refuses a batch and it is sent again."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.kafka.batch import Header

Slot = tuple[str, bytes]
"""Topic and key."""


@dataclass(slots=True)
class QueuedRecord:
    """A record that is not with librdkafka; ``size``: bytes of value, key and headers."""

    token: int
    topic: str
    value: bytes
    key: bytes | None
    headers: Sequence[Header]
    size: int


class _Turn:
    __slots__ = ("in_flight", "waiting")

    def __init__(self) -> None:
        self.in_flight = 1
        self.waiting: deque[QueuedRecord] | None = None


class KeyOrder:
    """Lets the next records with a key go when those before are reported.

    librdkafka alone keeps the order of what is written, but not of what comes back refused: the
    records behind are in flight by then. So of each key only as many are in flight as go in
    one batch, up to ``records`` and ``size`` bytes; what comes meanwhile waits, and goes together.
    True while there is a record with a key.
    """

    def __init__(self, records: int, size: int) -> None:
        self._slots: dict[int, Slot] = {}
        self._turns: dict[Slot, _Turn] = {}
        self._records = records
        self._size = size

    def __bool__(self) -> bool:
        return bool(self._slots)

    def goes(self, record: QueuedRecord, key: bytes) -> bool:
        """Tell whether a record may go now, in flight until ``done``; else it is kept here."""
        self._slots[record.token] = slot = (record.topic, key)
        turn = self._turns.get(slot)
        if turn is None:
            self._turns[slot] = _Turn()
            return True
        if turn.waiting is None:
            turn.waiting = deque()
        turn.waiting.append(record)
        return False

    def done(self, token: int) -> list[QueuedRecord]:
        """Note that a record is over; return those that go next, in flight from now on."""
        slot = self._slots.pop(token, None)
        if slot is None:
            return []
        turn = self._turns[slot]
        turn.in_flight -= 1
        if turn.in_flight:
            return []
        waiting = turn.waiting
        if not waiting:
            del self._turns[slot]
            return []
        behind, size = [waiting.popleft()], 0
        while waiting and len(behind) < self._records:
            size += behind[-1].size
            if size + waiting[0].size > self._size:
                break
            behind.append(waiting.popleft())
        turn.in_flight = len(behind)
        return behind
