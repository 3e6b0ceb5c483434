# SPDX-License-Identifier: Apache-2.0
"""What a claim says for those who come after its holder, and how they find out what it wrote.

Each record of a request under a key carries a header with the *use* of the key: a number that the
first claim makes up and that all who take it over keep. So one who takes over reads what was
written to the topics since, and sends only what is missing.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from time import time
from typing import Any, NamedTuple

import orjson

from gateway.errors import TopicUnreadable
from gateway.http.identity import next_id
from gateway.http.messages import Request
from gateway.kafka.config import ProducerConfig
from gateway.kafka.outbox import STAMP
from gateway.kafka.topic_search import find_headers
from gateway.kafka.transactions import client_settings
from gateway.tasks import BackgroundTasks

_SKEW = 10.0
"""Seconds by which the clocks of nodes and brokers may differ."""
_WITHIN = 20.0
"""Seconds for a search."""

Written = frozenset[tuple[str, int]]
"""Topic, and the record's place among those of its request in it."""


class Note(NamedTuple):
    """``at``: when the key was claimed first, in seconds since 1970; ``topics``, ``brokers``: where
    its records go. ``responded``: a client knows that the attempt failed.
    """

    use: str
    at: float
    topics: tuple[str, ...]
    brokers: tuple[str, ...]
    responded: bool = False

    def pack(self) -> bytes:
        """Return it as bytes."""
        return orjson.dumps([self.use, self.at, self.topics, self.brokers, self.responded])

    def after_response(self) -> Note:
        """Return the note of an attempt whose failure a client has been told."""
        return self._replace(responded=True)


def read_note(value: bytes) -> Note | None:
    """Return the note that ``pack`` made bytes of; None for nothing, or something else."""
    try:
        use, at, topics, brokers, responded = orjson.loads(value)
        return Note(str(use), float(at), tuple(topics), tuple(brokers), bool(responded))
    except (ValueError, TypeError):
        return None


@dataclass(frozen=True)
class Recovery:
    """Of one plugin that writes records: what it takes to find them again; made once."""

    topics: tuple[str, ...]
    config: ProducerConfig

    @cached_property
    def lease(self) -> float:
        """Seconds that a claim must last at least: a record is given up before they are over."""
        return 1.5 * self.config.deadline / 1000 + 2

    def note(self) -> Note:
        """Return the note of a new claim."""
        return Note(next_id().decode(), time(), self.topics, self.config.bootstrap)

    def packed(self, note: Note) -> bytes:
        """Return what ``note.pack()`` does for a new one, of which most is always the same."""
        return b'["%b",%b,%b' % (note.use.encode(), repr(note.at).encode(), self._rest)

    @cached_property
    def _rest(self) -> bytes:
        return orjson.dumps([self.topics, self.config.bootstrap, False])[1:]

    def search(self, notes: Sequence[Note]) -> dict[str, set[tuple[str, int]]]:
        """Return by use what of these attempts is in the topics; blocks. See ``find_headers``."""
        uses = {note.use.encode() for note in notes}
        found = find_headers(
            client_settings(self.config),
            self.topics,
            min(note.at for note in notes) - _SKEW,
            STAMP,
            lambda value: value.partition(b"-")[0] in uses,
            _WITHIN,
        )
        written: dict[str, set[tuple[str, int]]] = defaultdict(set)
        for topic, value in found:
            use, _, place = value.decode().partition("-")
            written[use].add((topic, int(place)))
        return written


class Searches:
    """Looks for what many attempts wrote at once: one search at a time for each plugin."""

    def __init__(self) -> None:
        self._waiting: dict[Recovery, list[tuple[Note, asyncio.Future[Written]]]] = {}
        self._tasks = BackgroundTasks()

    async def written(self, recovery: Recovery, note: Note) -> Written:
        """Return what of an attempt is in the topics; raises ``SearchFailed``."""
        if note.topics != recovery.topics:
            raise TopicUnreadable("the route writes to other topics by now")
        if set(note.brokers).isdisjoint(recovery.config.bootstrap):
            raise TopicUnreadable("the route writes to other brokers by now")
        future: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        if recovery in self._waiting:
            self._waiting[recovery].append((note, future))
        else:
            self._waiting[recovery] = [(note, future)]
            self._tasks.start(self._run(recovery))
        return await future

    async def _run(self, recovery: Recovery) -> None:
        while batch := self._waiting[recovery]:
            self._waiting[recovery] = []
            try:
                found = await asyncio.to_thread(recovery.search, [note for note, _ in batch])
            except Exception as error:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for note, future in batch:
                if not future.done():
                    future.set_result(frozenset(found.get(note.use, ())))
        del self._waiting[recovery]


def recovery_of(request: Request) -> Recovery | None:
    """Return how the records of a request are found again; None where they cannot be.

    Because nothing or more than one plugin writes any, because callers write with credentials of
    their own, or because connections take tokens, which only producers are given.
    """
    handler: Any = None if request.chain is None else request.chain.producing
    if handler is None or handler.producer is None:
        return None
    known: Recovery | None = handler.recovery
    if known is not None:
        return known
    config: ProducerConfig = handler.producer.config
    if config.sasl is not None and config.sasl.oauth is not None:
        return None
    topics: Sequence[str] = handler.topics.allowed
    handler.recovery = known = Recovery(tuple(sorted(topics)), config)
    return known
