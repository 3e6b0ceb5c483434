# SPDX-License-Identifier: Apache-2.0
"""What a delivery report holds is what was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.kafka.batch import Batch
from gateway.kafka.client import Client
from gateway.kafka.config import librdkafka_settings
from gateway.kafka.reports import content_of, topic_of
from tests.support.mock_kafka import config_of, mock_kafka
from tests.support.producing import until


class Copies:
    """Copies the records that are reported; see ``ClientListener``."""

    def __init__(self) -> None:
        self.found: list[tuple[Any, ...]] = []

    def on_deliveries(self, messages: Sequence[Any]) -> None:
        self.found += [(topic_of(message), *content_of(message)) for message in messages]

    def on_error(self, code: int, detail: str) -> None: ...

    def on_fatal(self, code: int, detail: str) -> None: ...

    def on_log(self, level: int, facility: str, message: str) -> None: ...

    def on_token_wanted(self) -> None: ...


@pytest.mark.kafka
async def test_value_key_and_headers_come_back() -> None:
    with mock_kafka() as cluster:
        cluster.create("t")
        copies = Copies()
        loop = asyncio.get_running_loop()
        client = Client(librdkafka_settings(config_of(cluster)), loop, copies)
        batch = Batch()
        headers = [("a", b"1"), ("a", b""), ("b", b"\0")]
        batch.add(1, b"value", b"key", headers, 11)
        batch.add(2, b"", None, (), 0)
        assert client.produce("t", batch) == []
        client.push()
        await until(lambda: len(copies.found) == 2)
        await until(lambda: not client.pushing)
        client.detach()
        await asyncio.to_thread(client.destroy)
    assert sorted(copies.found) == [("t", b"", None, []), ("t", b"value", b"key", headers)]


@pytest.mark.kafka
async def test_records_of_one_batch_have_their_own_headers() -> None:
    """Whatever they have in common, names and keys, with the records before and behind them."""
    kinds: list[tuple[bytes | None, list[tuple[str, bytes]]]] = [
        (None, [("traceparent", b"1"), ("a", b"x" * 300)]),
        (None, [("traceparent", b"22"), ("a", b"")]),
        (None, []),
        (None, [("traceparent", b"3")]),
        (b"k", [("traceparent", b"4")]),
        (b"k", [("tracestate", b"4")]),
        (None, [("a", b"5"), ("traceparent", b"6")]),
        (None, [("traceparent", b"7"), ("a", b"8")]),
    ]
    with mock_kafka() as cluster:
        cluster.create("t")
        copies = Copies()
        loop = asyncio.get_running_loop()
        client = Client(librdkafka_settings(config_of(cluster)), loop, copies)
        batch = Batch()
        for number, (key, headers) in enumerate(kinds * 2):
            batch.add(number + 1, b"%d" % number, key, headers, 9)
        assert client.produce("t", batch) == []
        client.push()
        await until(lambda: len(copies.found) == len(kinds) * 2)
        await until(lambda: not client.pushing)
        client.detach()
        await asyncio.to_thread(client.destroy)
    expected = [("t", b"%d" % number, *kind) for number, kind in enumerate(kinds * 2)]
    assert sorted(copies.found, key=lambda found: int(found[1])) == expected
