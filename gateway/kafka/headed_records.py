# SPDX-License-Identifier: Apache-2.0
"""Handing records with headers to librdkafka.

Its ``rd_kafka_produce_batch`` knows no headers, so they go one by one, each with a call of
``rd_kafka_produceva``. What these calls are told stands in a table, which a native twin fills, or
which is filled column by column in C; another twin makes them, or ``map`` does. Of the 3
microseconds that a record took with its fields set one by one, 0.55 are left with the twins and 1.1
without.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, groupby, repeat
from operator import itemgetter
from typing import Any

from gateway import native
from gateway.kafka import librdkafka as rdk
from gateway.kafka.batch import JOINED, LENT, Batch, Header
from gateway.kafka.librdkafka import ffi, lib

_WORDS = 9
"""Machine words of a ``rd_kafka_vu_t``: which field it is, and eight for its content."""
_FIELDS = (rdk.VU_RKT, rdk.VU_PARTITION, rdk.VU_MSGFLAGS, rdk.VU_OPAQUE, rdk.VU_VALUE, rdk.VU_KEY)
"""What each record has in a table's row, before its headers."""
_FLAGS = 2
_TOPIC, _TOKEN, _VALUE, _KEY, _HEADER = (field * _WORDS + 1 for field in (0, 3, 4, 5, 6))
"""Where the contents of fields begin in a row, in words; that of a value or key is its address and
its length, that of a header the address of its name, and then the same."""
_ROOM = 64 * 1024
"""Bytes of a table."""
_MOST_NAMES = 1024
_PLAIN: tuple[None, Sequence[Header]] = (None, ())
_Failed = list[tuple[int, int]]


class HeadedRecords:
    """What one client hands over that way.

    ``lent`` keeps the values that librdkafka reads where they are, by token.
    """

    def __init__(self, handle: Any, lent: dict[int, bytes]) -> None:
        self._handle = handle
        self._address = _address(handle)
        self._lent = lent
        self._tables: dict[int, _Table] = {}
        self._names = _Names()

    def produce(self, topic: Any, batch: Batch) -> _Failed:
        """Queue records; return token and error code of those that were not taken."""
        address = _address(topic)
        failed: _Failed = []
        for start, end, extras in _runs(batch):
            table = self._table(len(extras[0][1]))
            for first in range(start, end, table.room):
                last = min(end, first + table.room)
                some = extras[first - start : last - start]
                values, tokens = batch.values[first:last], batch.tokens[first:last]
                failed += self._produce(table, address, values, tokens, some)
        return failed

    def _table(self, headers: int) -> _Table:
        """Return the table for records with so many headers, or up to so many."""
        most = 1
        while most < headers:
            most *= 4
        found = self._tables.get(most)
        if found is None:
            found = self._tables[most] = _Table(most)
        return found

    def _produce(
        self,
        table: _Table,
        topic: int,
        values: list[bytes],
        tokens: list[int],
        extras: list[tuple[bytes | None, Sequence[Header]]],
    ) -> _Failed:
        """Queue records that fit into the table and have equally many headers."""
        count, used = len(values), len(_FIELDS) + len(extras[0][1])
        given = table.words, table.width, topic, tokens, values, extras, self._names
        largest = native.fill_rows(*given)
        kept = None
        if largest is None:
            largest = max(map(len, values))
            kept = _fill(*given)
        lent = self._lend(table, values, tokens) if largest >= LENT else []
        errors = native.produce_rows(
            _PRODUCE, self._address, table.address, count, table.fields, used
        )
        if errors is None:
            rows = table.rows[:count]
            calls = map(lib.rd_kafka_produceva, repeat(self._handle), rows, repeat(used))
            errors = list(map(_address, calls))
        del kept
        for row in lent:
            row[_FLAGS].u.i = rdk.COPY
        self._names.shrink()
        return self._refused(tokens, errors) if any(errors) else []

    def _lend(self, table: _Table, values: list[bytes], tokens: list[int]) -> list[Any]:
        """Have large values read where they are; return their rows."""
        lent = []
        for row, value, token in zip(table.rows, values, tokens, strict=False):
            if len(value) >= LENT:
                self._lent[token] = value
                row[_FLAGS].u.i = 0
                lent.append(row)
        return lent

    def _refused(self, tokens: list[int], errors: list[int]) -> _Failed:
        """Return token and code of each error, which is let go."""
        failed = []
        for token, address in zip(tokens, errors, strict=True):
            if address:
                error = ffi.cast("rd_kafka_error_t *", address)
                failed.append((token, int(lib.rd_kafka_error_code(error))))
                lib.rd_kafka_error_destroy(error)
                self._lent.pop(token, None)
        return failed


class _Table:
    """Room for what ``rd_kafka_produceva`` is told of records with up to ``headers`` headers."""

    def __init__(self, headers: int) -> None:
        fields = len(_FIELDS) + headers
        row = ffi.new("rd_kafka_vu_t[]", fields)
        for place, kind in enumerate((*_FIELDS, *repeat(rdk.VU_HEADER, headers))):
            row[place].vtype = kind
        row[1].u.i32 = rdk.PARTITION_UNASSIGNED
        row[_FLAGS].u.i = rdk.COPY
        self.fields = fields
        self.width = fields * _WORDS
        self.room = max(1, _ROOM // ffi.sizeof(row))
        self.words = array("Q", bytes(ffi.buffer(row))) * self.room
        begin = ffi.cast("rd_kafka_vu_t *", ffi.from_buffer(self.words))
        self.address = _address(begin)
        self.rows = [begin + place * fields for place in range(self.room)]


def _address(pointer: Any) -> int:
    return int(ffi.cast("uintptr_t", pointer))


_PRODUCE = _address(ffi.addressof(lib, "rd_kafka_produceva"))


class _Names(dict[str, int]):
    """Names of headers to the addresses of their bytes."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[Any] = []

    def __missing__(self, name: str) -> int:
        self._kept.append(ffi.new("char[]", name.encode()))
        found = self[name] = _address(self._kept[-1])
        return found

    def shrink(self) -> None:
        """Forget all when there are many: they may be clients'."""
        if len(self) > _MOST_NAMES:
            self.clear()
            self._kept.clear()


def _runs(batch: Batch) -> Iterator[tuple[int, int, list[Any]]]:
    """Yield where records with equally many headers begin and end, and their keys and headers."""
    count, extras = len(batch.values), batch.extras
    if len(extras) == count:
        found = list(extras.values())
    else:
        found = [extras.get(place, _PLAIN) for place in range(count)]
    widths = list(map(len, map(itemgetter(1), found)))
    if widths.count(widths[0]) == count:
        yield 0, count, found
        return
    for _, run in groupby(enumerate(widths), itemgetter(1)):
        places = [place for place, _ in run]
        yield places[0], places[-1] + 1, found[places[0] : places[-1] + 1]


def _fill(
    words: array[int],
    width: int,
    topic: int,
    tokens: list[int],
    values: list[bytes],
    extras: list[tuple[bytes | None, Sequence[Header]]],
    names: _Names,
) -> list[Any]:
    """Fill a table column by column; return what has to be kept until it is used."""
    count, headers = len(values), len(extras[0][1])
    limit = count * width
    words[_TOPIC:limit:width] = array("Q", [topic]) * count
    words[_TOKEN:limit:width] = array("Q", tokens)
    keys = [key or b"" for key, _ in extras]
    kept = [
        _point_to(words, _VALUE, limit, width, values),
        _point_to(words, _KEY, limit, width, keys, empty=False),
    ]
    pairs = list(chain.from_iterable([found for _, found in extras]))
    addresses = array("Q", map(names.__getitem__, [name for name, _ in pairs]))
    contents = [content for _, content in pairs]
    for place in range(headers):
        at = _HEADER + place * _WORDS
        words[at:limit:width] = addresses[place::headers]
        kept.append(_point_to(words, at + 1, limit, width, contents[place::headers]))
    return kept


def _point_to(
    words: array[int], at: int, limit: int, width: int, texts: list[bytes], *, empty: bool = True
) -> Any:
    """Fill in addresses and lengths; return what has to be kept until they are used.

    Large texts stay where they are, since they may be lent.

    ``empty``: a text without bytes has an address too; librdkafka takes it for none otherwise.
    """
    lengths = array("Q", map(len, texts))
    if max(lengths) >= LENT or sum(lengths) > JOINED:
        kept = list(map(ffi.from_buffer, texts))
        places = array("Q", [_address(one) for one in kept])
    else:
        kept = ffi.from_buffer(b"".join(texts))
        places = array("Q", accumulate(lengths, initial=_address(kept)))
        places.pop()
    if not empty:
        places = array(
            "Q", [place if text else 0 for place, text in zip(places, texts, strict=True)]
        )
    words[at:limit:width] = places
    words[at + 1 : limit : width] = lengths
    return kept
