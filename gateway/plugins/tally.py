# SPDX-License-Identifier: Apache-2.0
"""Counts that all workers of a node add to, without a lock and without asking each other.

A node's memory holds a table for each worker, which only that worker writes and all read: the sum
over the tables is the count. A word is 64 bits, written at once: 32 that tell which count it is, 32
for the number. So a worker that is killed at any moment leaves whole words behind, and the one in
its place goes on from them. Of requests that come to several workers within the same microseconds,
each may see the count before the others'.
"""

from __future__ import annotations

import mmap
import os
from array import array
from hashlib import blake2b
from time import time
from weakref import WeakValueDictionary

_SLOTS = 1 << 16
"""Words of a worker's table: half a MiB."""
_PROBES = 8
"""Neighbouring places that may hold one count."""
_TABLE = _SLOTS + _PROBES
_NUMBER = (1 << 32) - 1


class Cell:
    """One count; made by ``Tally.cell``."""

    __slots__ = ("__weakref__", "_at", "_mark", "_others", "_own", "_words")

    def __init__(self, words: memoryview, mark: int, at: int, own: int, others: list[int]) -> None:
        self._words = words
        self._mark = mark
        self._at = at
        self._own = own
        self._others = others

    def total(self) -> int:
        """Return the count over all workers."""
        total, mark = self._own, self._mark
        for start in self._others:
            for word in self._words[start : start + _PROBES].tolist():
                if word >> 32 == mark:
                    total += word & _NUMBER
                    break
        return total

    def add(self) -> None:
        """Count one more."""
        self._own += 1
        if self._at >= 0:
            self._words[self._at] = self._mark << 32 | min(self._own, _NUMBER)


class Tally:
    """The counts as one worker sees them.

    ``memory`` is a descriptor that the workers of a node share (None: the worker is alone),
    ``index`` the worker's place among ``workers``. Where a worker's table is full, what it counts
    beyond is not seen by the others.
    """

    def __init__(self, memory: int | None = None, index: int = 0, workers: int = 1) -> None:
        self._memory = memory
        self._mine = index * _TABLE
        self._others = [other * _TABLE for other in range(workers) if other != index]
        self._size = max(workers, index + 1) * _TABLE * 8
        self._words: memoryview | None = None
        self._expiry = array("d")
        self._cells: WeakValueDictionary[str, Cell] = WeakValueDictionary()

    def cell(self, name: str, expires: float) -> Cell:
        """Return the count of a name, to be forgotten after ``expires`` (seconds since 1970)."""
        # Two cells of one name would overwrite each other's numbers.
        found = self._cells.get(name)
        if found is None:
            found = self._cells[name] = self._make(name, expires)
        return found

    def _make(self, name: str, expires: float) -> Cell:
        words = self._words
        if words is None:
            words = self._words = self._open()
        digest = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")
        place, mark = digest % _SLOTS, digest >> 32 or 1
        others = [start + place for start in self._others]
        at, own = self._find(words, place, mark)
        if at >= 0:
            self._expiry[at] = expires
            at += self._mine
            words[at] = mark << 32 | own
        return Cell(words, mark, at, own, others)

    def _find(self, words: memoryview, place: int, mark: int) -> tuple[int, int]:
        """Return where a count of this worker is or can be (-1: nowhere), and its number so far."""
        free, now = -1, time()
        for at in range(place, place + _PROBES):
            word = words[self._mine + at]
            if word >> 32 == mark:
                return at, word & _NUMBER
            if free < 0 and (not word or self._expiry[at] <= now):
                free = at
        return free, 0

    def _open(self) -> memoryview:
        self._expiry = array("d", bytes(8 * _TABLE))
        memory = -1 if self._memory is None else self._memory
        if memory >= 0 and os.fstat(memory).st_size < self._size:
            # Growing keeps what is there; two workers at once ask for the same.
            os.ftruncate(memory, self._size)
        return memoryview(mmap.mmap(memory, self._size)).cast("Q")
