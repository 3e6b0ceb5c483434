# SPDX-License-Identifier: Apache-2.0
"""The producer of a plugin that writes records: opened with the handler, given back at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gateway.errors import CertificateMissing, ProduceError, ReleaseRefused
from gateway.http.messages import Pending, Request, Response
from gateway.kafka.config import ProducerConfig, Sasl
from gateway.kafka.producer import Producer
from gateway.logs import get_logger
from gateway.plugins.base import Handler
from gateway.plugins.produce import responses
from gateway.plugins.produce.records import Topics

_log = get_logger("gateway.kafka")


class OpensProducer(Handler):
    """Subclasses say which producer they want, to which topics, and what they do with it."""

    topics: Topics
    producer: Producer | None = None
    recovery: object = None
    """Kept here by who finds records again: what that takes, once it is known."""
    _schemas: Any = None
    _run: Callable[[Request], Response | Pending]

    def producer_config(self) -> ProducerConfig:
        """Return the producer this plugin wants; raises ``ProduceError``."""
        raise NotImplementedError

    def give_back(self) -> None:
        """Give the producer back: what it has is written first."""
        if self.producer is not None:
            self.context.producers.release(self.producer)
            self.producer = None

    @property
    def is_sending(self) -> bool:
        """Whether there are records that Kafka has not confirmed."""
        return self.producer is not None and self.producer.messages > 0

    def start(self, sasl: Sasl | None) -> None:
        """Open the producer, with its own credential or a caller's.

        Raises ``ReleaseRefused``, for its own.
        """
        self.producer, broken = self._open(sasl)
        self._run = self._way() if broken is None else (lambda _: broken)

    def _open(self, sasl: Sasl | None) -> tuple[Producer | None, Response | None]:
        """Return the producer, or the response to every request without one."""
        producers = self.context.producers
        try:
            config = self.producer_config()
            producer = producers.get(config if sasl is None else replace(config, sasl=sasl))
        except CertificateMissing as error:
            _log.error("no producer", plugin=self.context.plugin_id, problem=str(error))
            return None, responses.broken(500, "the client certificate could not be loaded")
        except ProduceError as error:
            _log.error("no producer", plugin=self.context.plugin_id, problem=str(error))
            return None, responses.broken(502, "the producer could not be created")
        try:
            for topic in self.topics.allowed:
                producer.declare(topic)
        except ProduceError:
            producers.release(producer)
            problem = f"no topic can be named {topic[:100]!r}"
            if sasl is not None:
                return None, responses.broken(502, problem)
            if self._schemas is not None:
                self._schemas.close()
            raise ReleaseRefused([problem]) from None
        self._send = producer.send
        self._record_log = producer.watch.log.record
        return producer, None

    def _way(self) -> Callable[[Request], Response | Pending]:
        """Return what is done with a request once there is a producer."""
        raise NotImplementedError

    def _open_producer(self) -> Producer:
        assert self.producer is not None
        return self.producer
