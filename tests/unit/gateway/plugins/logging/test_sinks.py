# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.plugins.logging.queue import QueueLimits
from gateway.plugins.logging.sinks import LogSinks
from tests.support.logging import settle


async def test_a_queue_goes_from_one_plugin_to_the_next_and_ends_with_the_last() -> None:
    sinks = LogSinks()
    seen: list[tuple[str, bytes]] = []

    async def old(entries: list[bytes]) -> int:
        seen.extend(("old", entry) for entry in entries)
        return len(entries)

    async def new(entries: list[bytes]) -> int:
        seen.extend(("new", entry) for entry in entries)
        return len(entries)

    queue = sinks.queue("key", "http-log", QueueLimits(), old)
    queue.add(b"1")
    assert sinks.queue("key", "http-log", QueueLimits(), new) is queue
    sinks.release("key")
    await settle()
    assert seen == [("new", b"1")]
    queue.add(b"2")
    sinks.release("key")
    await sinks.close(5)
    assert seen == [("new", b"1"), ("new", b"2")]
    other = sinks.queue("key", "http-log", QueueLimits(), new)
    assert other is not queue
    sinks.release("key")
    await sinks.close(1)


async def test_closing_delivers_what_plugins_still_have() -> None:
    sinks = LogSinks()
    seen: list[bytes] = []

    async def send(entries: list[bytes]) -> int:
        seen.extend(entries)
        return len(entries)

    sinks.queue("key", "http-log", QueueLimits(batch=5, coalescing=100), send).add(b"1")
    await sinks.close(5)
    assert seen == [b"1"]
    assert sinks.counts.report() == {"sent": {}, "dropped": {}}
