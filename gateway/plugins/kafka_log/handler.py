# SPDX-License-Identifier: Apache-2.0
"""``kafka-log`` at work."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Any

from gateway.errors import (
    OutgoingError,
    ProduceError,
    RequestRejected,
    SchemaUnusable,
)
from gateway.http import arguments
from gateway.http.messages import Request, Response
from gateway.kafka.producer import Producer
from gateway.logs import get_logger
from gateway.plugins.base import PluginContext
from gateway.plugins.logging.handler import OWN_LIMITS, LogHandler
from gateway.plugins.produce.producer_config import kafka_upstream_producer

if TYPE_CHECKING:
    from gateway.plugins.produce.registry.stage import Serializers

_log = get_logger("gateway.kafka")
_LOST = "log entry lost"
_KEY = struct.Struct(">i")
"""Before an entry that waits for its schema: how long the key is, -1 without one."""


class KafkaLog(LogHandler):
    """Hands entries to a producer; where schemas serialise them, by way of a queue."""

    name = "kafka-log"

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._topic: str = config.topic
        self._key_argument = config.key_query_arg.encode() if config.key_query_arg else b""
        self._counts = context.logs.counts
        self._mismatch = False
        self._producer = self._open()
        self._schemas = None
        registry = config.schema_registry
        if registry is not None and registry.confluent is not None:
            # Imported late: most workers have no schema registry.
            from gateway.plugins.produce.registry.client import RegistryPool
            from gateway.plugins.produce.registry.stage import SchemaStage

            registries = RegistryPool.beside(context.producers)
            self._schemas = SchemaStage(
                registry.confluent, registries, context.trusted_ca, context.plugin_id
            )
            self.use_queue(OWN_LIMITS)

    def log(self, request: Request, response: Response) -> None:
        """Hand the entry over."""
        key = arguments.first(request.query, self._key_argument) if self._key_argument else None
        entry = self.entry(request, response)
        if self._schemas is None:
            self._produce(entry, key)
        else:
            self.add(_KEY.pack(-1 if key is None else len(key)) + (key or b"") + entry)

    async def send(self, entries: list[bytes]) -> int:
        """Serialise entries and hand them to the producer, as soon as the schemas are there."""
        try:
            serializers = await self._serializers()
        except (SchemaUnusable, RequestRejected) as error:
            raise OutgoingError(f"no schema for log entries: {error}") from None
        for packed in entries:
            (length,) = _KEY.unpack_from(packed)
            end = _KEY.size + max(length, 0)
            try:
                value = serializers.value(packed[end:], 0)
                key = serializers.key(packed[_KEY.size : end] or None)
            except RequestRejected as error:
                self._refused(error)
            else:
                self._produce(value, key)
        return len(entries)

    def close(self) -> None:
        """Give queue, registry and producer back: what they have is written."""
        super().close()
        if self._schemas is not None:
            self._schemas.close()
        if self._producer is not None:
            self.context.producers.release(self._producer)
            self._producer = None

    def _open(self) -> Producer | None:
        context = self.context
        try:
            producer_config = kafka_upstream_producer(
                self.config, context.certificate, context.trusted_ca
            )
            producer = context.producers.get(producer_config)
        except ProduceError as error:
            _log.error("no producer", plugin=context.plugin_id, problem=str(error))
            return None
        producer.declare(self._topic)
        return producer

    def _produce(self, value: bytes, key: bytes | None) -> None:
        producer = self._producer
        if producer is None:
            self._counts.dropped(self.name, "no_producer")
            return
        try:
            producer.send(self._topic, value, key, (), self._reported)
        except ProduceError as error:
            self._lost("buffer_full" if error.reason == "_QUEUE_FULL" else "unhealthy", error)

    def _reported(self, error: ProduceError | None) -> None:
        """Take the delivery report of one entry."""
        if error is None:
            self._counts.sent(self.name)
        else:
            self._lost("not_delivered", error)

    def _lost(self, reason: str, error: ProduceError) -> None:
        self._counts.dropped(self.name, reason)
        if self._producer is not None:
            self._producer.watch.log.record(_LOST, error, error.topic or self._topic)

    def _refused(self, error: RequestRejected) -> None:
        self._counts.dropped(self.name, "schema")
        if not self._mismatch:
            self._mismatch = True
            _log.error(
                "log entry does not fit its schema",
                plugin=self.context.plugin_id,
                problem=error.message,
            )

    async def _serializers(self) -> Serializers:
        """Return what writes values and keys, once the registry has said what is to be known."""
        assert self._schemas is not None
        steps = self._schemas.prepare(bool(self._key_argument))
        loop = asyncio.get_running_loop()
        try:
            while True:
                there: asyncio.Future[None] = loop.create_future()
                next(steps).then_go_on(lambda there=there: there.set_result(None))  # type: ignore[misc]  # of this turn
                await there
        except StopIteration as done:
            found: Serializers = done.value
            return found
