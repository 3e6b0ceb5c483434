# SPDX-License-Identifier: Apache-2.0
"""Counts that all workers of a node add to, without a lock and without asking each other.

A node's memory holds a block for each limit, and in it an area for each worker, which only that
worker writes and all read: the sum over the areas is the count. A word is 64 bits, written at once:
32 that tell which count it is, 32 for the number. So a worker that is killed at any moment leaves
whole words behind, and the one in its place goes on from them. Of requests that come to several
workers within the same microseconds, each may see the count before the others'.

A block is its limit's alone: a client that floods a limit with origins fills no other block. Which
block is whose stands in a directory at the beginning of the memory. It is changed under a lock on
the file, once an hour for a limit; the kernel frees the lock of a worker that is killed.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import weakref
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from time import time
from weakref import WeakValueDictionary

from gateway.logs import get_logger

_log = get_logger("gateway.counters")

_SLOTS = 1 << 16
"""Words of an area: half a MiB, of which the system gives what is used."""
_PROBES = 8
"""Neighbouring places that may hold one count."""
_BLOCKS = 1 << 12
"""Limits that can be counted by all workers together."""
_SHELF = 64
"""Blocks that are mapped together."""
_COUNTERS = 1 << 14
"""Counts of a limit that a worker keeps at hand; more are looked up again."""
_PAGE = mmap.ALLOCATIONGRANULARITY
_SECRET = 16
_LEASE = 3600.0
"""Seconds that a limit keeps its block beyond the window it asks for."""
_NUMBER = (1 << 32) - 1


class Counter:
    """One count; made by ``Table.counter``."""

    __slots__ = ("_at", "_base", "_mark", "_others", "_own", "_place", "_table", "_words")

    def __init__(self, table: Table, mark: int, place: int) -> None:
        self._table = table
        self._mark = mark
        self._base = mark << 32
        self._place = place
        self._words = table.words
        self._others = tuple([area + place for area in table.others])
        """The words of the other workers where the count is looked for first."""
        self._at, self._own = table.reserve(mark, place)

    def total(self) -> int:
        """Return the count over all workers."""
        total, words = self._own, self._words
        for place in self._others:
            if word := words[place]:
                total += word & _NUMBER if word >> 32 == self._mark else self._of(place)
        return total

    def _of(self, start: int) -> int:
        """Return the number in another worker's area, from its place ``start`` on."""
        for word in self._words[start : start + _PROBES].tolist():
            if word >> 32 == self._mark:
                return int(word & _NUMBER)
            if not word:
                # Places are taken in order, and none is given up while its window lasts.
                break
        return 0

    def add(self, amount: int = 1) -> None:
        """Count so many more."""
        self._own += amount
        if self._at >= 0:
            self._words[self._at] = self._base | min(self._own, _NUMBER)

    def take(self, most: int) -> int:
        """Count one more unless that many were counted; return how many are left, -1: none was.

        What ``total`` and ``add`` do, in one step: nearly every limit takes it.
        """
        own = total = self._own
        words = self._words
        for place in self._others:
            if word := words[place]:
                total += word & _NUMBER if word >> 32 == self._mark else self._of(place)
        left = most - total - 1
        if left < 0:
            return -1
        self._own = own = own + 1
        at = self._at
        if at >= 0:
            words[at] = self._base + (own if own <= _NUMBER else _NUMBER)
        return left

    def highest(self) -> int:
        """Return the largest number that any worker has raised it to."""
        return max([self._own, *map(self._of, self._others)])

    def raise_to(self, number: int) -> None:
        """Use it not as a count but as a mark that only rises: 32 bits, read by ``highest``."""
        self._own = max(self._own, number)
        if self._at >= 0:
            self._words[self._at] = self._base | min(self._own, _NUMBER)


class Table:
    """The counts of one limit's present window, as one worker sees them.

    Where the worker's area is full, what it counts beyond is not seen by the others. ``lease`` is
    the time until which ``block`` is the limit's own.
    """

    def __init__(self, memory: mmap.mmap, areas: list[int], mine: int, secret: bytes) -> None:
        """``areas`` are the bytes where the workers' areas begin, of which one is ``mine``."""
        self.words = memoryview(memory).cast("Q")
        # The first page of an area holds the window that the words after it are of.
        first = [(area + _PAGE) // 8 for area in areas]
        self._mine = first.pop(mine)
        self.others = first
        """Where the words of the other workers begin."""
        self._memory = memory
        self._secret = secret
        self.block = -1
        self.lease = 0.0
        self._start = -1
        self._counters: dict[str, Counter] = {}
        self.at_hand: dict[str, Counter] = {}
        """The same counters by what callers find faster than their origins: whatever they like."""

    def open(self, start: int) -> None:
        """Forget the counts of other windows than that which begins at ``start``."""
        if start == self._start:
            return
        self._start = start
        self._counters, self.at_hand = {}, {}
        window = self._mine - _PAGE // 8
        if self.words[window] != start:
            self._clear()
            self.words[window] = start

    def _clear(self) -> None:
        begin, length = self._mine * 8, area_size() - _PAGE
        try:
            self._memory.madvise(mmap.MADV_REMOVE, begin, length)
        except OSError:
            # Not every system can give back pages of a file.
            self._memory[begin : begin + length] = bytes(length)

    def counter(self, origin: str) -> Counter:
        """Return the count of an origin."""
        found = self._counters.get(origin)
        if found is None:
            if len(self._counters) >= _COUNTERS:
                # Together: a count in two places at hand would be two.
                self._counters, self.at_hand = {}, {}
            # With a secret: a client that knew the places could crowd out others.
            digest = _digest(f"{self._start}\n{origin}", self._secret)
            found = self._counters[origin] = Counter(self, digest >> 32 or 1, digest % _SLOTS)
        return found

    def reserve(self, mark: int, place: int) -> tuple[int, int]:
        """Return where a count of this worker is from now on (-1: nowhere), and its number."""
        free, start = -1, self._mine + place
        for at, word in enumerate(self.words[start : start + _PROBES].tolist(), start):
            if word >> 32 == mark:
                return at, word & _NUMBER
            if not word and free < 0:
                free = at
        if free >= 0:
            self.words[free] = mark << 32
        return free, 0


class SharedCounters:
    """The limits' counts as one worker sees them.

    ``memory`` is a descriptor that the workers of a node share (None: the worker is alone),
    ``index`` the worker's place among ``workers``. Where there are more limits than blocks, a
    worker counts by itself for those beyond.
    """

    def __init__(self, memory: int | None = None, index: int = 0, workers: int = 1) -> None:
        self._memory = memory
        self._index = index
        self._workers = max(workers, index + 1)
        self._shelves: dict[int, mmap.mmap] = {}
        self._tables: WeakValueDictionary[str, Table] = WeakValueDictionary()

    def table(self, name: str, start: float, end: float) -> Table:
        """Return the counts of a limit in a window, given in seconds since 1970."""
        # Two tables of one limit would overwrite each other's numbers.
        table = self._tables.get(name)
        if table is None or table.lease < end:
            table = self._tables[name] = self._lease(name, table, end + _LEASE)
        table.open(int(start))
        return table

    def _lease(self, name: str, table: Table | None, until: float) -> Table:
        memory = self._open()
        with _locked(memory):
            directory = Directory(memory)
            block = directory.claim(name, until)
        if block < 0:
            _log.error("too many rate limits: a worker counts this one by itself", most=_BLOCKS)
        if table is None or table.block != block:
            table = self._make(memory, block, directory.secret)
        table.block, table.lease = block, until
        return table

    def _make(self, memory: int, block: int, secret: bytes) -> Table:
        area = area_size()
        if block < 0:
            return Table(mmap.mmap(-1, area), [0], 0, secret)
        # A mapping keeps a descriptor open, so there is one for many blocks.
        number, place = divmod(block, _SHELF)
        length = _SHELF * self._workers * area
        shelf = self._shelves.get(number)
        if shelf is None:
            offset = Directory.SIZE + number * length
            if os.fstat(memory).st_size < offset + length:
                # Growing keeps what is there; workers at once ask for the same, or for more.
                with _locked(memory):
                    os.ftruncate(memory, max(offset + length, os.fstat(memory).st_size))
            shelf = self._shelves[number] = mmap.mmap(memory, length, offset=offset)
        areas = [(place * self._workers + worker) * area for worker in range(self._workers)]
        return Table(shelf, areas, self._index, secret)

    def _open(self) -> int:
        if self._memory is None:
            self._memory = os.memfd_create("kafka-gateway-counts")
            weakref.finalize(self, os.close, self._memory)
        return self._memory


class Directory:
    """Which block is whose: a secret, a digest for each block's limit, and its lease's end.

    Read and changed under the lock.
    """

    _DIGESTS = _SECRET + 8 * _BLOCKS
    SIZE = -(-(_DIGESTS + 8 * _BLOCKS) // _PAGE) * _PAGE
    """Bytes at the beginning of the memory."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        if os.fstat(memory).st_size < self.SIZE:
            os.ftruncate(memory, self.SIZE)
            os.pwrite(memory, os.urandom(_SECRET), 0)
        content = os.pread(memory, self.SIZE, 0)
        self.secret = content[:_SECRET]
        self._limits = array("Q", content[_SECRET : self._DIGESTS])
        self._leases = array("d", content[self._DIGESTS :])[:_BLOCKS]

    def claim(self, name: str, until: float) -> int:
        """Return the block of a limit, made its own until then; -1 when none is left."""
        limit = _digest(name, self.secret) or 1
        now = time()
        try:
            block = self._limits.index(limit)
        except ValueError:
            block = next((at for at, lease in enumerate(self._leases) if lease <= now), -1)
        if block >= 0:
            self._write(block, limit, until)
        return block

    def _write(self, block: int, limit: int, until: float) -> None:
        if self._limits[block] == limit:
            until = max(until, self._leases[block])
        os.pwrite(self._memory, array("Q", [limit]).tobytes(), _SECRET + 8 * block)
        os.pwrite(self._memory, array("d", [until]).tobytes(), self._DIGESTS + 8 * block)


def area_size() -> int:
    """Return the bytes of a worker's area: a page with its window, and the words."""
    return _PAGE + -(-8 * (_SLOTS + _PROBES) // _PAGE) * _PAGE


def _digest(name: str, secret: bytes) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8, key=secret).digest(), "little")


@contextmanager
def _locked(memory: int) -> Iterator[None]:
    fcntl.lockf(memory, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.lockf(memory, fcntl.LOCK_UN)
