# SPDX-License-Identifier: Apache-2.0
"""Records with headers reach librdkafka as they are, whatever stands beside them in their batch."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import native
from gateway.kafka.batch import LENT, Batch, Header, extra_size
from gateway.kafka.client import Client
from gateway.kafka.config import ProducerConfig, librdkafka_settings
from gateway.kafka.reports import content_of
from tests.support.producing import until
from tests.unit.gateway.test_native import needs_twins

Content = tuple[bytes, bytes | None, list[Header]]
"""Value, key, headers."""


class Reports:
    """Keeps what is reported by its token; see ``ClientListener``."""

    def __init__(self) -> None:
        self.found: dict[int, Content] = {}

    def on_deliveries(self, messages: Sequence[Any]) -> None:
        self.found |= {message._private: content_of(message) for message in messages}

    def on_error(self, code: int, detail: str) -> None: ...

    def on_fatal(self, code: int, detail: str) -> None: ...

    def on_log(self, level: int, facility: str, message: str) -> None: ...

    def on_token_wanted(self) -> None: ...


@asynccontextmanager
async def opened(**extra: str) -> AsyncIterator[tuple[Client, Reports]]:
    """Give a client without a broker, which reports what is purged."""
    reports = Reports()
    config = ProducerConfig(("127.0.0.1:1",), extra=tuple(extra.items()))
    client = Client(librdkafka_settings(config), asyncio.get_running_loop(), reports)
    client.mute()
    try:
        yield client, reports
    finally:
        client.detach()
        await asyncio.to_thread(client.destroy)


def batch_of(records: Sequence[Content], first: int = 1) -> Batch:
    batch = Batch()
    for token, (value, key, headers) in enumerate(records, first):
        batch.add(token, value, key, headers, len(value) + extra_size(key, headers))
    return batch


async def through(client: Client, reports: Reports, records: Sequence[Content]) -> list[Content]:
    """Return records as librdkafka has them."""
    reports.found.clear()
    assert client.produce("t", batch_of(records)) == []
    client.purge()
    await until(lambda: len(reports.found) == len(records))
    return [reports.found[token] for token in sorted(reports.found)]


names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)
headers = st.lists(st.tuples(names, st.binary(max_size=70)), max_size=6)
values = st.binary(max_size=40)
records = st.tuples(values, st.none() | st.binary(min_size=1, max_size=9), headers)


@settings(max_examples=40)
@given(st.lists(st.lists(records, min_size=1, max_size=12), min_size=1, max_size=3))
def test_value_key_and_headers_of_each_record_are_its_own(batches: list[list[Content]]) -> None:
    async def job() -> None:
        async with opened() as (client, reports):
            for batch in batches:
                assert await through(client, reports, batch) == batch

    asyncio.run(job())


@pytest.fixture(params=["with twins", "without"])
def twins(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the table filled and handed over by twins, where there are some, and in Python."""
    if request.param == "without":
        monkeypatch.setattr(native, "fill_rows", native._fill_rows)
        monkeypatch.setattr(native, "produce_rows", native._produce_rows)


@pytest.mark.usefixtures("twins")
async def test_there_is_no_end_to_how_many_records_headers_and_names_go_together() -> None:
    many: list[Content] = [
        (b"%d" % number, None, [(f"n{number}-{place}", b"%d" % place) for place in range(width)])
        for number, width in enumerate([1] * 700 + [0, 150, 4, 5] * 50)
    ]
    async with opened() as (client, reports):
        assert await through(client, reports, many) == many


@pytest.mark.usefixtures("twins")
async def test_keys_of_records_before_are_nobodys() -> None:
    async with opened() as (client, reports):
        for keys in ([b"k", b"l"], [None, b"m"], [None, None]):
            some: list[Content] = [(b"v", key, [("h", b""), ("i", b"\0")]) for key in keys]
            assert await through(client, reports, some) == some


@needs_twins
def test_a_twin_leaves_what_it_does_not_know_to_the_reference() -> None:
    words = array("Q", bytes(8 * 63))
    for value, extra in (
        (bytearray(b"v"), (None, ())),
        (b"v", (bytearray(b"k"), ())),
        (b"v", (None, [("h", memoryview(b"c"))])),
        (b"v", (None, [("h", b"c")] * 2)),
    ):
        given: Any = (words, 63, 1, [1], [value], [extra], {"h": 1})
        assert native.fill_rows(*given) is None
    assert native.fill_rows(words, 63, 1, [1, 2], [b"v"] * 2, [(None, ())] * 2, {}) is None


@needs_twins
@pytest.mark.parametrize("given", [(0, 1, 1, 1, 7, 7), (1, 0, 1, 1, 7, 7), (1, 1, 0, 1, 7, 7)])
def test_a_twin_calls_no_address_that_is_none(given: tuple[int, ...]) -> None:
    call: Any = native.produce_rows
    with pytest.raises(ValueError, match="an address is 0"):
        call(*given)


@needs_twins
def test_a_twin_tells_no_row_of_fields_that_it_does_not_have() -> None:
    with pytest.raises(ValueError, match="more fields than there are"):
        native.produce_rows(1, 1, 1, 1, 7, 8)


@pytest.mark.usefixtures("twins")
async def test_values_that_are_much_together_stay_what_they_are() -> None:
    large: list[Content] = [
        (bytes([65 + number]) * (LENT + 5 - number), [None, b"k"][number % 2], [("h", b"1")])
        for number in range(20)
    ]
    async with opened() as (client, reports):
        for first in range(20):
            # Alone as well as with smaller ones.
            some = large[first : first + 3]
            assert await through(client, reports, some) == some
        assert await through(client, reports, large) == large
        # What was lent is not taken for what comes after it.
        small: list[Content] = [(b"v", None, [("h", b"1")])] * 20
        assert await through(client, reports, small) == small


@pytest.mark.usefixtures("twins")
async def test_records_that_librdkafka_does_not_take_are_told_by_their_tokens() -> None:
    record: Content = (b"v" * LENT, None, [("h", b"1")])
    async with opened(**{"queue.buffering.max.messages": "3"}) as (client, reports):
        refused = client.produce("t", batch_of([record] * 5, first=11))
        assert [token for token, _ in refused] == [14, 15]
        assert {code for _, code in refused} == {-184}
        client.purge()
        await until(lambda: len(reports.found) == 3)
        assert reports.found == dict.fromkeys((11, 12, 13), record)
