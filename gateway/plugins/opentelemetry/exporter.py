# SPDX-License-Identifier: Apache-2.0
"""Spans on their way to a receiver: OTLP over HTTP or gRPC, binary protobuf.

Only the messages are OpenTelemetry's (``opentelemetry-proto``, its smallest package): its SDK and
exporter bring a thread and a client that blocks, where the worker has both a queue and a client.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from gateway import __version__
from gateway.http.log_ids import named
from gateway.http.messages import Request, Response
from gateway.logs import get_logger
from gateway.plugins.base import PluginContext
from gateway.plugins.logging.collecting import SMALL
from gateway.plugins.logging.queue import QueueLimits
from gateway.plugins.opentelemetry.sending import SpanReceiver, SpanSender

if TYPE_CHECKING:
    from gateway.plugins.opentelemetry.spans import SpanWriter

_log = get_logger("gateway.plugins")
_PLUGIN = "opentelemetry"
_TOGETHER = 64
"""Requests whose spans are made in one go, and at the latest so many seconds …"""
_SOON = 0.2
"""… after the first."""


class SpanExporter:
    """The queue of one use of the plugin, and what sends its batches."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        self._context = context
        milliseconds = config.connect_timeout + config.send_timeout + config.read_timeout
        receiver = SpanReceiver(
            config.traces_endpoint,
            tuple((config.headers or {}).items()),
            milliseconds / 1000,
            context.trusted_ca,
        )
        self._sender = SpanSender(context.http, receiver)
        self._attributes = {
            "service.name": "kong",
            "service.instance.id": context.node_id,
            "service.version": __version__,
            **(config.resource_attributes or {}),
        }
        self._key = (_PLUGIN, context.plugin_id)
        limits = _limits(config.queue)
        self._queue = context.logs.queue(self._key, _PLUGIN, limits, self._send)
        self._queue.fills.add(self._write)
        self._spans: SpanWriter | None = None
        self._waiting: list[tuple[Request, Response]] = []
        self._due: asyncio.TimerHandle | None = None

    def add(self, request: Request, response: Response) -> None:
        """Have the spans of a request made, soon, with those of others.

        Few are recorded. By itself, each would find that the processor has forgotten code and data,
        which takes several times what making them does.
        """
        waiting = self._waiting
        waiting.append((request, response))
        body = response.body
        large = len(request.body) > SMALL or (isinstance(body, bytes) and len(body) > SMALL)
        if large or len(waiting) >= _TOGETHER:
            self._write()
        elif self._due is None:
            self._due = asyncio.get_running_loop().call_later(_SOON, self._write)

    def _write(self) -> None:
        """Make the spans of the requests that wait."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        spans = self._writer()
        for request, response in waiting:
            try:
                self._queue.add(spans.write(request, response, self._queue.add))
            except Exception:
                _log.exception("log handler failed", **named(request))

    def _writer(self) -> SpanWriter:
        if self._spans is None:
            # Imported late: protobuf is large, and most workers trace nothing.
            from gateway.plugins.opentelemetry.spans import SpanWriter

            self._spans = SpanWriter(self._attributes)
        return self._spans

    def close(self) -> None:
        """Give the queue back: what waits there is sent."""
        self._write()
        self._queue.fills.discard(self._write)
        self._context.logs.release(self._key)

    async def _send(self, entries: list[bytes]) -> int:
        # Those of the configuration before, too, whose queue it goes on with.
        body = self._writer().export(entries)
        if not await self._sender.send(body):
            # The receiver will never take these.
            self._context.logs.counts.dropped(_PLUGIN, "refused", len(entries))
        return len(entries)


def _limits(queue: Any) -> QueueLimits:
    return QueueLimits(
        batch=queue.max_batch_size,
        coalescing=queue.max_coalescing_delay,
        entries=queue.max_entries,
        bytes=queue.max_bytes,
        retry_time=queue.max_retry_time,
        first_delay=queue.initial_retry_delay,
        longest_delay=queue.max_retry_delay,
        at_once=queue.concurrency_limit == -1,
    )
