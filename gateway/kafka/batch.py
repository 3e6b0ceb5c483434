# SPDX-License-Identifier: Apache-2.0
"""Records on their way to librdkafka, and how many of them go in one request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

Header = tuple[str, bytes]

OVERHEAD = 100
"""Bytes of a batch that are none of its records', and as much again for each record; rather too
many (KIP-98: 61 for a batch, up to 36 for a record, and some for each of its headers)."""


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
        found: list[Batch] = []
        taken = 0
        for record in self.records():
            taken += record[-1] + OVERHEAD
            if not found or taken > weight or len(found[-1].values) == records:
                found.append(Batch())
                taken = 2 * OVERHEAD + record[-1]
            found[-1].add(*record)
        return found

    def records(self) -> Iterator[tuple[int, bytes, bytes | None, Sequence[Header], int]]:
        """Yield what ``add`` was given for each record."""
        for place, (token, value) in enumerate(zip(self.tokens, self.values, strict=True)):
            key, headers = self.extras.get(place, (None, ()))
            size = len(value) + len(key or b"")
            size += sum(len(name) + len(content) for name, content in headers)
            yield token, value, key, headers, size
