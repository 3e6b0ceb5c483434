# SPDX-License-Identifier: Apache-2.0
"""Records on their way to librdkafka, and how many of them go in one request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import TypeVar

_Sized = TypeVar("_Sized")

Header = tuple[str, bytes]

OVERHEAD = 100
"""Bytes of a batch that are none of its records', and as much again for each record; rather too
many (KIP-98: 61 for a batch, up to 36 for a record, and some for each of its headers)."""

JOINED = 128 * 1024
"""Values up to this many bytes together are handed over in one piece; above, the copy costs more
than the calls it saves."""
LENT = 16 * 1024
"""Values from so many bytes on are not copied: librdkafka reads them where they are."""


class Batch:
    """Records for one topic, in order.

    ``extras``: position to key and headers, where there are any. ``size``: bytes of all together.
    """

    __slots__ = ("extras", "headed", "size", "tokens", "values")

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.tokens: list[int] = []
        self.extras: dict[int, tuple[bytes | None, Sequence[Header]]] = {}
        self.headed = False
        self.size = 0

    def add(
        self, token: int, value: bytes, key: bytes | None, headers: Sequence[Header], size: int
    ) -> None:
        """Add a record; ``size``: bytes of value, key and headers."""
        self.tokens.append(token)
        self.values.append(value)
        if key or headers:
            self.add_extra(key, headers)
        self.size += size

    def add_extra(self, key: bytes | None, headers: Sequence[Header]) -> None:
        """Give key and headers to the record added last."""
        self.extras[len(self.values) - 1] = (key, headers)
        if headers:
            self.headed = True

    def fits(self, weight: float, records: float) -> bool:
        """Tell whether all of it goes in one request of so many bytes and records."""
        count = len(self.values)
        return count <= records and self.size + OVERHEAD * (count + 1) <= weight

    def parts(self, weight: float, records: float) -> list[Batch]:
        """Return its records in order, in batches that fit; one that is larger goes alone."""
        found = []
        for piece in pieces(self.records(), itemgetter(-1), weight, records):
            part = Batch()
            for record in piece:
                part.add(*record)
            found.append(part)
        return found

    def records(self) -> Iterator[tuple[int, bytes, bytes | None, Sequence[Header], int]]:
        """Yield what ``add`` was given for each record."""
        for place, (token, value) in enumerate(zip(self.tokens, self.values, strict=True)):
            key, headers = self.extras.get(place, (None, ()))
            yield token, value, key, headers, len(value) + extra_size(key, headers)


def extra_size(key: bytes | None, headers: Sequence[Header]) -> int:
    """Return the bytes of a record's key and headers."""
    size = len(key) if key else 0
    for name, content in headers:
        size += len(name) + len(content)
    return size


def pieces(
    records: Iterable[_Sized], size: Callable[[_Sized], int], weight: float, most: float
) -> list[list[_Sized]]:
    """Return records in order, in pieces up to a weight and a number, or of one record."""
    found: list[list[_Sized]] = []
    taken = 0
    for record in records:
        needed = size(record) + OVERHEAD
        taken += needed
        if not found or taken > weight or len(found[-1]) == most:
            found.append([])
            taken = OVERHEAD + needed
        found[-1].append(record)
    return found
