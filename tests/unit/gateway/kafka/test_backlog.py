# SPDX-License-Identifier: Apache-2.0
"""Of each topic one request's worth goes at a time, in order, and nothing is left behind."""

from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from gateway.kafka.backlog import Backlog
from gateway.kafka.batch import Batch


def batch(*tokens: int) -> Batch:
    made = Batch()
    for token in tokens:
        made.add(token, b"x" * 100, None, (), 100)
    return made


def as_it_is(_: str, waited: Batch) -> Batch:
    return waited


def tokens(going: list[tuple[str, Batch]]) -> dict[str, list[int]]:
    return {topic: one.tokens for topic, one in going}


def test_what_goes_in_one_request_goes_at_once() -> None:
    backlog = Backlog(10_000, 10, as_it_is)
    staged = {"a": batch(1, 2), "b": batch(3)}
    assert tokens(backlog.next(staged)) == {"a": [1, 2], "b": [3]}
    assert not staged
    assert not backlog


def test_a_topic_with_more_than_one_request_holds_up_no_other() -> None:
    backlog = Backlog(10_000, 2, as_it_is)
    assert tokens(backlog.next({"a": batch(1, 2, 3, 4, 5), "b": batch(6)})) == {
        "a": [1, 2],
        "b": [6],
    }
    assert backlog
    staged = {"a": batch(7, 8, 9), "b": batch(10)}
    assert tokens(backlog.next(staged)) == {"a": [3, 4], "b": [10]}
    # Behind what has waited, and joined by what comes meanwhile.
    assert staged["a"].tokens == [7, 8, 9]
    assert tokens(backlog.next(staged)) == {"a": [5]}
    assert not backlog
    assert tokens(backlog.next(staged)) == {"a": [7, 8]}
    assert tokens(backlog.next(staged)) == {"a": [9]}
    assert not backlog


def test_what_has_waited_is_looked_at_before_it_goes() -> None:
    def even(_: str, waited: Batch) -> Batch:
        return batch(*(token for token in waited.tokens if token % 2 == 0))

    backlog = Backlog(10_000, 3, even)
    staged = {"a": batch(1, 2, 3, 4, 5), "b": batch(6, 7)}
    assert tokens(backlog.next(staged)) == {"a": [1, 2, 3], "b": [6, 7]}
    staged = {"a": batch(9), "b": batch(11, 8), "c": batch(11)}
    # 8 had waited for its turn by key when 9 and 11 came.
    assert tokens(backlog.next(staged, 8)) == {"a": [4], "b": [8], "c": [11]}
    # And 9 was behind what had waited.
    assert tokens(backlog.next(staged, 11)) == {"a": []}


def test_nothing_is_left_of_a_batch_that_nobody_wants_however_small_requests_are() -> None:
    backlog = Backlog(1, 1, lambda _topic, _waited: Batch())
    assert tokens(backlog.next({"a": batch(1, 2)}, 2)) == {"a": []}
    assert not backlog


def test_without_a_limit_everything_goes() -> None:
    backlog = Backlog(inf, inf, as_it_is)
    assert tokens(backlog.next({"a": batch(*range(5000))})) == {"a": list(range(5000))}


def test_only_what_has_waited_is_asked_for_whether_it_is_wanted() -> None:
    asked: list[list[int]] = []

    def without_the_third(_: str, waited: Batch) -> Batch:
        asked.append(waited.tokens)
        return batch(*(token for token in waited.tokens if token != 3))

    backlog = Backlog(10_000, 2, without_the_third)
    assert tokens(backlog.next({"a": batch(1, 2, 3, 4)})) == {"a": [1, 2]}
    assert tokens(backlog.next({})) == {"a": [4]}
    assert asked == [[3, 4]]


_TURNS = st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(1, 9)), max_size=12)


@given(_TURNS, st.integers(1, 5), st.integers(1, 2000))
def test_every_record_goes_once_and_in_the_order_of_its_topic(
    turns: list[dict[str, int]], records: int, weight: int
) -> None:
    backlog = Backlog(weight, records, as_it_is)
    staged: dict[str, Batch] = {}
    went: dict[str, list[int]] = {}
    token = 0
    while turns or staged or backlog:
        for topic, number in (turns.pop(0) if turns else {}).items():
            for _ in range(number):
                token += 1
                staged.setdefault(topic, Batch()).add(token, b"x" * 100, None, (), 100)
        going = backlog.next(staged)
        assert len(going) == len(dict(going)), "two requests for a topic"
        for topic, part in going:
            assert part.fits(weight, records) or len(part.values) == 1
            went.setdefault(topic, []).extend(part.tokens)
    assert all(found == sorted(found) for found in went.values())
    assert sorted(one for found in went.values() for one in found) == list(range(1, token + 1))
