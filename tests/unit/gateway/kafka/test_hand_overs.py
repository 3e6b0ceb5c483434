# SPDX-License-Identifier: Apache-2.0
"""A batch is taken for written when exactly its records are reported so, and only then."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.kafka.batch import Batch
from gateway.kafka.hand_overs import _MOST, HandOvers


def batch_of(tokens: list[int]) -> Batch:
    made = Batch()
    for token in tokens:
        made.add(token, b"v", None, (), 1)
    return made


def reports(tokens: list[int], err: int = 0) -> list[Any]:
    return [SimpleNamespace(_private=token, err=err) for token in tokens]


@given(
    st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=6), max_size=8),
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9), st.sampled_from([0, 0, 0, 7]))),
    st.randoms(use_true_random=False),
)
def test_nothing_is_taken_for_written_that_is_not(
    partitions: list[list[int]], requests: list[tuple[int, int, int]], random: Any
) -> None:
    """``partitions``: where each record of each batch goes; ``requests``: what is reported next,
    of which partition, how many records, with which error.
    """
    hand_overs, queues = HandOvers(), [list[int](), [], []]
    numbers = list(range(1, 100))
    # Tokens are not in the order of hand-over where records have waited for others.
    random.shuffle(numbers)
    batches = []
    for places in partitions:
        tokens = [numbers.pop() for _ in places]
        batches.append(tokens)
        hand_overs.add(batch_of(tokens))
        for token, place in zip(tokens, places, strict=True):
            queues[place].append(token)
    for place, count, err in requests:
        tokens, queues[place] = queues[place][:count], queues[place][count:]
        if tokens:
            found = hand_overs.written(reports(tokens, err))
            assert (found is not None) == (tokens in batches and not err)
            assert found is None or (found.tokens, found.size) == (tokens, len(tokens))


def test_what_is_never_reported_by_itself_is_forgotten() -> None:
    hand_overs = HandOvers()
    for token in range(1, 2 * _MOST + 2):
        hand_overs.add(batch_of([token]))
    assert hand_overs.written(reports([1])) is None
    assert hand_overs.written(reports([2 * _MOST + 1])) is not None
    hand_overs.clear()
    assert hand_overs.written(reports([2 * _MOST])) is None
