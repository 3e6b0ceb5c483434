# SPDX-License-Identifier: Apache-2.0
"""What a producer's two lanes share: each has a connection of its own, and one producer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from gateway.kafka.client import Client
from gateway.kafka.config import ProducerConfig, librdkafka_settings
from gateway.kafka.hand_overs import HandedOver
from gateway.kafka.key_order import QueuedRecord
from gateway.kafka.librdkafka import error_name
from gateway.kafka.oauth import TokenSource
from gateway.kafka.prober import Prober
from gateway.kafka.watch import Watch


class LaneOwner(Protocol):
    """The producer, as its lanes see it."""

    config: ProducerConfig
    topics: set[str]
    watch: Watch

    def mark(self, taken_at: float) -> int:
        """Note since when the last were taken; return up to which token records may be late."""
        ...

    def reported(self, messages: Sequence[Any]) -> None:
        """Take the reports of one batch: tell the senders, or send it again in smaller ones."""
        ...

    def written(self, batch: HandedOver, messages: Sequence[Any]) -> None:
        """Do what ``settle`` does for a batch all of which is written, with fewer looks at it."""
        ...

    def sort_out(self, messages: Sequence[Any]) -> tuple[list[QueuedRecord], bool]:
        """Return the records of a refused batch that are worth sending again, and whether the
        broker has named the others.
        """
        ...

    def settle(self, messages: Sequence[Any]) -> None:
        """Tell each sender what became of its record."""
        ...

    def awaits(self, tokens: Sequence[int]) -> bool:
        """Tell whether the senders of all these records still wait."""
        ...

    def still_wanted(self, records: Sequence[QueuedRecord]) -> list[QueuedRecord]:
        """Return the records whose senders still wait; the others are let go."""
        ...

    def not_taken(self, topic: str, refused: Sequence[tuple[int, int, int]]) -> None:
        """Fail records that librdkafka did not take: token, bytes of the value, error."""
        ...


class Lane:
    """Makes clients one after the other and passes on what they report of themselves."""

    def __init__(
        self,
        owner: LaneOwner,
        config: ProducerConfig,
        loop: asyncio.AbstractEventLoop,
        prober: Prober,
    ) -> None:
        self._owner = owner
        self._config = config
        self._loop = loop
        self._prober = prober
        self._tokens = TokenSource.of(config, loop, owner.watch)
        self._newest: Client | None = None

    def on_deliveries(self, messages: Sequence[Any]) -> None:
        """Take the reports of one batch."""
        raise NotImplementedError

    def on_fatal(self, code: int, detail: str) -> None:
        """Take an error after which the client is of no use any more."""
        raise NotImplementedError

    def on_error(self, code: int, detail: str) -> None:
        """Take an error that belongs to no record."""
        self._owner.watch.error(error_name(code), detail)

    def on_log(self, level: int, facility: str, message: str) -> None:
        """Take a line of librdkafka's log."""
        self._owner.watch.librdkafka(level, facility, message)

    def on_token_wanted(self) -> None:
        """Fetch a token in the background."""
        if self._tokens is not None and self._newest is not None:
            self._tokens.fetch(self._newest)

    def _open(self) -> Client:
        """Return a new client; raises ``ProduceError``."""
        self._newest = Client(librdkafka_settings(self._config), self._loop, self)
        return self._newest

    def _give_up(self, client: Client) -> None:
        """Have everything that a client still holds reported as failed, then destroy it."""
        if client is self._newest:
            self._newest = None
        client.mute()
        client.purge()
        self._prober.retire(client)
