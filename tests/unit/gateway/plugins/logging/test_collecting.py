# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio

import orjson
import pytest

from gateway.http.messages import Request
from gateway.plugins.logging.collecting import SMALL, EntryCollector
from tests.support.logging import ok, responded
from tests.support.requests import StandInConnection


class Sink:
    """What a collector hands over: ``batches`` of addresses, and who was taken ``at_once``."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.at_once: list[Request] = []
        self.collector = EntryCollector(self._add_all, lambda asked, _: self.at_once.append(asked))

    def take(self, *requests: Request) -> None:
        for request in requests:
            self.collector.take(request, ok())

    def _add_all(self, entries: list[bytes]) -> None:
        self.batches.append([orjson.loads(entry)["request"]["uri"] for entry in entries])


async def test_the_entries_of_a_turn_are_handed_over_together_in_their_order() -> None:
    sink = Sink()
    sink.take(responded(b"/a/1"), responded(b"/a/2"))
    assert sink.batches == []
    await asyncio.sleep(0)
    assert sink.batches == [["/a/1", "/a/2"]]
    sink.collector.write()
    assert len(sink.batches) == 1, "nothing is handed over twice"


async def test_so_many_wait_and_no_more() -> None:
    sink = Sink()
    sink.take(*(responded(b"/a") for _ in range(600)))
    assert [len(batch) for batch in sink.batches] == [256, 256]
    await asyncio.sleep(0)
    assert [len(batch) for batch in sink.batches] == [256, 256, 88]


@pytest.mark.parametrize("why", ["fields", "body", "TLS"])
async def test_an_entry_that_cannot_wait_comes_behind_those_before_it(why: str) -> None:
    sink = Sink()
    secure = StandInConnection("https") if why == "TLS" else None
    last = responded(b"/a/2", connection=secure)
    if why == "fields":
        last.log_fields = [(("a",), 1)]
    elif why == "body":
        last.body = b"x" * (SMALL + 1)
    sink.take(responded(b"/a/1"), last)
    assert sink.batches == [["/a/1"]]
    assert sink.at_once == [last]
    await asyncio.sleep(0)
    assert len(sink.batches) == 1


async def test_a_request_that_has_no_entry_takes_none_of_the_others_along() -> None:
    sink = Sink()
    broken = responded(b"/a/2")
    broken.match = object()  # type: ignore[assignment]  # has nothing of a route
    sink.take(responded(b"/a/1"), broken, responded(b"/a/3"))
    await asyncio.sleep(0)
    assert sink.batches == [["/a/1", "/a/3"]]
