# SPDX-License-Identifier: Apache-2.0
"""A producer for each caller that has a credential of its own, so that Kafka's rules see them.

How many there are at once is bounded, and those without use are closed: each is a connection, a
buffer and threads of its own.
"""

from __future__ import annotations

import asyncio
import copy
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from gateway.errors import RequestRejected
from gateway.http.messages import Pending, Request, Response
from gateway.kafka.config import Sasl
from gateway.plugins.consumers import Consumers
from gateway.plugins.produce.settings import CallerCredentials

NO_CREDENTIAL = "the consumer has no credential for Kafka"
TOO_MANY = "too many consumers write at once: consumer_credentials.max_producers is reached"
_BUSY = 1.0
"""Seconds without a request after which a producer may make room for another."""


class CallerHandler(Protocol):
    """What writes records with one credential: a ``ProduceHandler``."""

    @property
    def is_sending(self) -> bool:
        """Whether there are records that Kafka has not confirmed."""

    def start(self, sasl: Sasl | None) -> None:
        """Open a producer with this credential."""

    def access(self, request: Request) -> Response | Pending:
        """Write the request's records."""

    def give_back(self) -> None:
        """Give the producer back: what it has is written first."""


class _InUse:
    __slots__ = ("handler", "used")

    def __init__(self, handler: CallerHandler, used: float) -> None:
        self.handler = handler
        self.used = used


class Callers:
    """The handlers of callers, the one used last at the end.

    Each is a copy of ``own`` with another producer; ``fallback`` is for callers without credential.
    """

    def __init__(
        self,
        config: CallerCredentials,
        consumers: Consumers,
        loop: asyncio.AbstractEventLoop,
        own: CallerHandler,
        fallback: Callable[[Request], Response | Pending] | None,
    ) -> None:
        self._of_consumer: dict[str, Sasl] = {}
        self._of_group: dict[str, Sasl] = {}
        for item in config.credentials:
            sasl = Sasl(config.mechanism, item.user, item.password)
            if item.consumer is not None:
                self._of_consumer[item.consumer] = sasl
            else:
                self._of_group[item.consumer_group or ""] = sasl
        self._consumers = consumers
        self._loop = loop
        self._own = own
        self._fallback = fallback
        self._most = config.max_producers
        self._idle = float(config.idle_timeout)
        self._open: OrderedDict[Sasl, _InUse] = OrderedDict()
        self._sweeping: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """How many producers there are now."""
        return len(self._open)

    def run(self, request: Request) -> Response | Pending:
        """Write a request's records as its caller. Raises ``RequestRejected``."""
        sasl = self._credential(request)
        if sasl is None:
            if self._fallback is None:
                raise RequestRejected(403, NO_CREDENTIAL)
            return self._fallback(request)
        caller = self._open.get(sasl)
        if caller is None:
            caller = self._opened(sasl)
        else:
            self._open.move_to_end(sasl)
            caller.used = self._loop.time()
        return caller.handler.access(request)

    def close(self) -> None:
        """Give all producers back."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        while self._open:
            self._open.popitem()[1].handler.give_back()

    def _credential(self, request: Request) -> Sasl | None:
        consumer = request.consumer
        if consumer is not None:
            found = self._of_consumer.get(consumer["id"])
            if found is None and (name := consumer.get("username")):
                found = self._of_consumer.get(name)
            if found is not None:
                return found
        if self._of_group:
            for group in self._consumers.groups_of(request):
                found = self._of_group.get(group["name"])
                if found is not None:
                    return found
        return None

    def _opened(self, sasl: Sasl) -> _InUse:
        now = self._loop.time()
        if len(self._open) >= self._most:
            oldest = next(iter(self._open.values()))
            if now - oldest.used < _BUSY or oldest.handler.is_sending:
                raise RequestRejected(503, TOO_MANY)
            self._open.popitem(last=False)[1].handler.give_back()
        handler = copy.copy(self._own)
        handler.start(sasl)
        caller = self._open[sasl] = _InUse(handler, now)
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(self._idle, self._sweep)
        return caller

    def _sweep(self) -> None:
        """Close what has had no request for its time; come back when the next may be due."""
        now = self._loop.time()
        self._sweeping = None
        for sasl, caller in list(self._open.items()):
            if now - caller.used < self._idle:
                left = self._idle - (now - caller.used)
                self._sweeping = self._loop.call_later(left, self._sweep)
                return
            if caller.handler.is_sending:
                caller.used = now  # Not before its records are written.
                continue
            del self._open[sasl]
            caller.handler.give_back()
        if self._open:
            self._sweeping = self._loop.call_later(self._idle, self._sweep)
