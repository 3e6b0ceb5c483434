# SPDX-License-Identifier: Apache-2.0
"""The producer of a handler, and what is sent in its place for a request under a key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.http.messages import Pending, Response
from gateway.kafka.outbox import STAMP, StampedOutbox, stamp_of
from gateway.kafka.pool import ProducerPool
from gateway.plugins.base import PluginContext
from gateway.plugins.kafka_upstream.handler import KafkaUpstream
from gateway.plugins.kafka_upstream.schema import Config
from gateway.plugins.produce import responses
from tests.support.mock_kafka import mock_kafka
from tests.support.requests import request_of


@asynccontextmanager
async def opened(**config: Any) -> AsyncIterator[KafkaUpstream]:
    pool = ProducerPool(asyncio.get_running_loop())
    with mock_kafka() as kafka:
        given = {"topic": "t", "bootstrap_servers": kafka.servers, "producer_async": False}
        context = PluginContext(producers=pool, certificate=lambda _: None)
        handler = KafkaUpstream(Config(**{**given, **config}), context)
        try:
            yield handler
        finally:
            handler.close()
            await pool.close(5)


async def test_a_producer_is_there_until_it_is_given_back() -> None:
    async with opened() as handler:
        held = handler.producer
        assert held is not None
        assert not handler.is_sending
        handler.give_back()
        assert handler.producer is None
        assert not handler.is_sending


@pytest.mark.parametrize("short", [True, False])
async def test_an_only_record_under_a_key_is_stamped_on_the_short_way_as_on_the_long(
    short: bool,
) -> None:
    async with opened(raw_body=True, forward_body=True) as handler:
        assert handler._is_one
        handler._is_one = short
        own, sent = handler.producer, list[Any]()
        assert own is not None
        behind: Any = SimpleNamespace(
            config=own.config,
            closing=False,
            send=lambda *record: sent.append(record),
            reserve=lambda *_: None,
            give_back=lambda *_: None,
            flush=lambda: None,
        )
        handler.producer = behind
        request = request_of(method=b"POST")
        request.body = b"value"
        request.outbox = StampedOutbox("use", lambda: 60)
        response = handler.access(request)
        handler.producer = own
        ((topic, value, key, headers, report),) = sent
        assert (topic, value, key) == ("t", b"value", None)
        assert list(headers) == [(STAMP, stamp_of("use", 0))]
        assert isinstance(response, Pending)
        report(None)
        assert await response is responses.SENT


@pytest.mark.parametrize("short", [True, False])
async def test_a_record_that_is_too_large_with_its_stamp_is_refused(short: bool) -> None:
    async with opened(raw_body=True, forward_body=True, max_record_size=1024) as handler:
        handler._is_one = short
        request = request_of(method=b"POST")
        request.body = b"v" * 1000
        request.outbox = StampedOutbox("use", lambda: 60)
        response = handler.access(request)
        assert isinstance(response, Response)
        assert response.status == 413
