# SPDX-License-Identifier: Apache-2.0
"""Spans on their way to a receiver: OTLP over HTTP or gRPC, binary protobuf.

Only the messages are OpenTelemetry's (``opentelemetry-proto``, its smallest package): its SDK and
exporter bring a thread and a client that blocks, where the worker has both a queue and a client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway import __version__
from gateway.http.messages import Request, Response
from gateway.plugins.base import PluginContext
from gateway.plugins.logging.queue import QueueLimits
from gateway.plugins.opentelemetry.sending import SpanReceiver, SpanSender

if TYPE_CHECKING:
    from gateway.plugins.opentelemetry.spans import SpanWriter

_PLUGIN = "opentelemetry"


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
        self._spans: SpanWriter | None = None

    def add(self, request: Request, response: Response) -> None:
        """Take the spans of one request."""
        if self._spans is None:
            # Imported late: protobuf is large, and most workers trace nothing.
            from gateway.plugins.opentelemetry.spans import SpanWriter

            self._spans = SpanWriter(self._attributes)
        self._queue.add(self._spans.write(request, response, self._queue.add))

    def close(self) -> None:
        """Give the queue back: what waits there is sent."""
        self._context.logs.release(self._key)

    async def _send(self, entries: list[bytes]) -> int:
        assert self._spans is not None
        body = self._spans.export(entries)
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
