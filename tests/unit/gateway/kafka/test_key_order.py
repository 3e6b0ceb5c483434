# SPDX-License-Identifier: Apache-2.0
"""Records with one key go one batch after the other."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from gateway.kafka.key_order import KeyOrder, QueuedRecord

MOST = 3


def record(token: int, key: bytes) -> QueuedRecord:
    return QueuedRecord(token, "t", b"v", key, (), 1)


@given(st.lists(st.one_of(st.sampled_from([b"a", b"b", b"c"]), st.none()), max_size=80))
def test_of_a_key_one_batch_is_on_the_way_and_all_go_in_order(steps: list[bytes | None]) -> None:
    # A key: a record with it comes. None: whatever is on the way is reported.
    order = KeyOrder(MOST, 1000)
    on_the_way: dict[bytes, list[int]] = defaultdict(list)
    gone: dict[bytes, list[int]] = defaultdict(list)
    came: dict[bytes, list[int]] = defaultdict(list)

    def report() -> None:
        for key, tokens in list(on_the_way.items()):
            on_the_way[key] = []
            for reported in tokens:
                behind = order.done(reported)
                on_the_way[key] += [one.token for one in behind]
                assert len(behind) <= MOST
            gone[key] += on_the_way[key]

    for token, key in enumerate(steps):
        if key is None:
            report()
            continue
        came[key].append(token)
        if order.goes(record(token, key), key):
            assert not on_the_way[key]
            on_the_way[key] = [token]
            gone[key].append(token)
        else:
            assert on_the_way[key]
    while any(on_the_way.values()):
        report()
    assert gone == came
    assert not order
    assert not order._turns


def test_what_goes_together_is_bounded_in_bytes() -> None:
    order = KeyOrder(100, 10)
    assert order.goes(record(0, b"k"), b"k")
    for token, size in enumerate((6, 4, 1, 20, 1), 1):
        assert not order.goes(QueuedRecord(token, "t", b"", b"k", (), size), b"k")
    batches = []
    behind = order.done(0)
    while behind:
        batches.append([one.size for one in behind])
        for one in behind:
            following = order.done(one.token)
        behind = following
    assert batches == [[6, 4], [1], [20], [1]]
