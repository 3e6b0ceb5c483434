# SPDX-License-Identifier: Apache-2.0
"""Where the records of one request were written: for those who ask, which are few."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import compress, takewhile
from time import monotonic
from typing import Any

from gateway.kafka.librdkafka import error_name
from gateway.kafka.reports import topic_of

OnSettled = Callable[[str, int, int, str], None]
"""Told of a record's topic, partition, offset, and the name of its error or nothing."""


class Watchers:
    """Who wants to know of which records. True while there are some."""

    def __init__(self) -> None:
        self._takes: dict[int, OnSettled] = {}

    def __bool__(self) -> bool:
        return bool(self._takes)

    def add(self, tokens: Iterable[int], take: OnSettled) -> None:
        """Have ``take`` told of these records."""
        self._takes |= dict.fromkeys(tokens, take)

    def tell_lost(self, topic: str, token: int, error: str) -> None:
        """Tell of a record that librdkafka was not given: the name of an error, and no place."""
        take = self._takes.pop(token, None)
        if take is not None:
            take(topic, -1, -1, error)

    def forget_after(self, token: int) -> None:
        """Tell nobody of records after this one: their request was refused, others will be sent."""
        for later in list(takewhile(token.__lt__, reversed(self._takes))):
            del self._takes[later]

    def tell_written(self, tokens: Sequence[int], messages: Sequence[Any]) -> None:
        """Tell of a batch that is written as a whole, in the order in which it was sent.

        Reports are in the order of tokens. Of few records somebody wants to know, so the other
        reports are not looked at.
        """
        takes = self._takes
        for message in compress(messages, map(takes.__contains__, tokens)):
            take = takes.pop(message._private)
            take(topic_of(message), message.partition, message.offset, "")

    def tell(self, messages: Sequence[Any]) -> None:
        """Tell of what is reported."""
        for message in messages:
            take = self._takes.pop(message._private, None)
            if take is not None:
                error = error_name(message.err) if message.err else ""
                take(topic_of(message), message.partition, message.offset, error)


class WrittenRecords:
    """Takes the reports of records that are about to be sent; see ``Producer.watch_tokens``."""

    def __init__(self, wanted: int) -> None:
        self.since = monotonic()
        """When they were handed over, and …"""
        self.until = 0.0
        """… when the last of them was reported; monotonic seconds."""
        self.places: list[tuple[str, int, int]] = []
        """Topic, partition and offset of each that was written."""
        self.problem = ""
        """The name of an error of one that was not."""
        self.on_settled: Callable[[], None] | None = None
        """Called when all are reported."""
        self._left = wanted

    @property
    def settled(self) -> bool:
        """Whether all are reported."""
        return self._left <= 0

    def take(self, topic: str, partition: int, offset: int, error: str) -> None:
        """Take one report."""
        self._left -= 1
        self.until = monotonic()
        if error:
            self.problem = error
        else:
            self.places.append((topic, partition, offset))
        if self.settled and self.on_settled is not None:
            then, self.on_settled = self.on_settled, None
            then()
