# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from dataclasses import replace
from time import time
from typing import Any

import orjson
import pytest

from gateway.errors import ReleaseRefused
from gateway.kafka.pool import ProducerPool
from gateway.plugins.base import PluginContext
from gateway.plugins.logging.fields import LogFields
from gateway.plugins.logging.handler import OWN_LIMITS, LogHandler
from gateway.plugins.logging.serializer import log_entry
from tests.support.logging import ok, responded, settle


def context(plugin_id: str = "p") -> PluginContext:
    pool = ProducerPool(asyncio.get_running_loop())
    return PluginContext(pool, lambda _: None, plugin_id)


class Kept(LogHandler):
    """Keeps what is sent."""

    name = "kept"

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self.kept: list[bytes] = []
        self.use_queue(replace(OWN_LIMITS, batch=1))

    async def send(self, entries: list[bytes]) -> int:
        self.kept += entries
        return len(entries)


async def test_entries_go_to_the_sink_and_none_after_the_plugin_is_closed() -> None:
    handler = Kept(LogFields(), context())
    handler.log(responded(), ok())
    await settle()
    assert orjson.loads(handler.kept[0])["request"]["method"] == "GET"
    handler.close()
    handler.close()
    handler.log(responded(), ok())
    await handler.context.logs.close(1)
    assert len(handler.kept) == 1


async def test_fields_of_others_are_in_the_entries_of_a_plugin_without_any() -> None:
    with_fields = LogFields(custom_fields_by_lua={"a.b": "return 1"})
    first, second = Kept(with_fields, context("1")), Kept(LogFields(), context("2"))
    request = responded()
    found = [orjson.loads(handler.entry(request, ok())) for handler in (second, first, second)]
    assert ["a" in entry for entry in found] == [False, True, True]
    for handler in (first, second):
        handler.close()


async def test_lua_that_is_switched_off_is_refused() -> None:
    config = LogFields(custom_fields_by_lua={"a": "return 1"})
    with pytest.raises(ReleaseRefused, match="KONG_UNTRUSTED_LUA"):
        LogHandler(config, replace(context(), lua_allowed=False))
    with pytest.raises(NotImplementedError):
        await LogHandler(LogFields(), context()).send([b""])


async def test_entries_are_written_together_in_the_order_of_their_requests(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also where one cannot wait, or cannot be written at all."""
    handler = Kept(LogFields(), context())
    large, secure = responded(b"/large"), responded(b"/secure")
    large.body = b"x" * 20_000
    secure.connection.scheme = "https"
    broken = responded(b"/broken")
    broken.headers.append(5)  # type: ignore[arg-type]  # a bug of another plugin
    for one in (responded(b"/1"), large, responded(b"/2"), broken, secure, responded(b"/3")):
        handler.log(one, ok())
    for place in range(300):
        handler.log(responded(b"/%d" % place), ok())
    await settle()
    handler.close()
    await handler.context.logs.close(1)
    uris = [orjson.loads(entry)["request"]["uri"] for entry in handler.kept]
    assert uris[:5] == ["/1", "/large", "/2", "/secure", "/3"]
    assert uris[5:] == [f"/{place}" for place in range(300)]
    assert "log handler failed" in caplog.messages


async def test_the_time_that_an_entry_waits_is_not_the_requests() -> None:
    request = responded()
    request.ended = request.received + 0.5
    found = log_entry(request, ok())
    assert found["latencies"]["request"] in (499, 500)
    assert abs(found["started_at"] - time() * 1000) < 60_000
