# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from types import SimpleNamespace

import pytest

from gateway.kafka import written
from gateway.kafka.written import Watchers, WrittenRecords


def test_of_a_batch_those_who_ask_are_told_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "topic_of", lambda _: "t")
    tokens = list(range(60, 80))
    messages = [
        SimpleNamespace(_private=token, partition=3, offset=100 + token) for token in tokens
    ]
    watchers, told = Watchers(), list[int]()
    watchers.add([63, 64, 79, 90], lambda _topic, _partition, offset, _error: told.append(offset))
    watchers.tell_written(tokens, messages)
    assert told == [163, 164, 179]
    assert watchers


class _Unsearched(list[int]):
    def index(self, *_: object) -> int:
        raise AssertionError("a search for each of many takes the square of their number")


def test_a_batch_is_gone_through_once_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "topic_of", lambda _: "t")
    tokens = _Unsearched(range(1000))
    messages = [SimpleNamespace(_private=token, partition=0, offset=token) for token in tokens]
    watchers, told = Watchers(), list[int]()
    watchers.add(tokens, lambda _topic, _partition, offset, _error: told.append(offset))
    watchers.tell_written(tokens, messages)
    assert told == tokens
    assert not watchers


def test_who_asks_is_told_once_all_records_are_reported() -> None:
    told: list[bool] = []
    records = WrittenRecords(2)
    records.on_settled = lambda: told.append(records.settled)
    records.take("a", 0, 7, "")
    assert (told, records.settled) == ([], False)
    records.take("b", -1, -1, "_MSG_TIMED_OUT")
    assert told == [True]
    assert (records.places, records.problem) == ([("a", 0, 7)], "_MSG_TIMED_OUT")
    assert records.until >= records.since
    records.take("b", 0, 1, "")
    assert told == [True]
