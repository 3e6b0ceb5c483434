# SPDX-License-Identifier: Apache-2.0
"""Batches are cut into requests without losing or reordering a record."""

from __future__ import annotations

from itertools import pairwise
from operator import attrgetter

from hypothesis import given
from hypothesis import strategies as st

from gateway.kafka.batch import OVERHEAD, Batch, pieces
from gateway.kafka.key_order import QueuedRecord

_KEYS = st.none() | st.binary(min_size=1, max_size=50)
_HEADERS = st.lists(st.tuples(st.text("abc", max_size=9), st.binary(max_size=9)), max_size=3)
_RECORDS = st.lists(st.tuples(st.binary(max_size=300), _KEYS, _HEADERS), min_size=1, max_size=40)


def batch_of(records: list[tuple[bytes, bytes | None, list[tuple[str, bytes]]]]) -> Batch:
    batch = Batch()
    for token, (value, key, headers) in enumerate(records, 1):
        size = len(value) + len(key or b"") + sum(len(n) + len(c) for n, c in headers)
        batch.add(token, value, key, headers, size)
    return batch


@given(_RECORDS, st.integers(1, 2000), st.integers(1, 20))
def test_the_parts_of_a_batch_are_its_records_in_order_each_in_a_request_that_holds_it(
    records: list[tuple[bytes, bytes | None, list[tuple[str, bytes]]]], weight: int, most: int
) -> None:
    batch = batch_of(records)
    parts = batch.parts(weight, most)
    found = [record for part in parts for record in part.records()]
    assert found == list(batch.records())
    assert [token for token, *_ in found] == list(range(1, len(records) + 1))
    assert sum(part.size for part in parts) == batch.size
    assert [part.headed for part in parts] == [
        any(headers for _, _, _, headers, _ in part.records()) for part in parts
    ]
    assert all(part.fits(weight, most) or len(part.values) == 1 for part in parts)
    if batch.fits(weight, most):
        assert len(parts) == 1
    for one, following in pairwise(parts):
        more = batch_of([])
        for record in (*one.records(), next(iter(following.records()))):
            more.add(*record)
        assert not more.fits(weight, most), "a part that has room for the record after it"


def test_a_record_that_is_larger_than_a_request_goes_alone() -> None:
    batch = batch_of([(b"x", None, []), (b"y" * 500, None, []), (b"z", None, [])])
    assert [part.values for part in batch.parts(400, 10)] == [[b"x"], [b"y" * 500], [b"z"]]


def test_what_a_batch_and_its_records_cost_besides_counts() -> None:
    batch = batch_of([(b"x" * 50, None, []), (b"y" * 50, None, [])])
    assert batch.fits(100 + 3 * OVERHEAD, 2)
    assert not batch.fits(99 + 3 * OVERHEAD, 2)
    assert not batch.fits(1000, 1)


@given(st.lists(st.integers(0, 5000)), st.integers(0, 10_000), st.integers(1, 5))
def test_pieces_hold_all_records_in_order(sizes: list[int], limit: int, most: int) -> None:
    records = [QueuedRecord(n, "t", b"", None, (), size) for n, size in enumerate(sizes)]
    parts = pieces(records, attrgetter("size"), limit, most)
    assert [one for part in parts for one in part] == records
    for part in parts:
        assert 1 <= len(part) <= most
        assert len(part) == 1 or sum(one.size for one in part) <= limit
