# SPDX-License-Identifier: Apache-2.0
"""The pages of topics: which there are, and their last records, where a reader's key is set."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.control_plane.page.view import View
from gateway.control_plane.page.viewer import demand
from gateway.errors import KafkaError, NotFound
from gateway.kafka.admin import Beginning, KafkaConnection, Record, consume, list_topics
from gateway.settings.settings import Settings

MOST = 50
"""Records that are shown."""
_LONGEST = 2000
"""Characters of a key, a header or a value."""
_AT_A_TIME = 2
"""Readers at the same time; others wait."""


@dataclass(frozen=True)
class ShownRecord:
    """A record as text."""

    partition: int
    offset: int
    at: float
    """Seconds since 1970."""
    key: str | None
    value: str | None
    headers: list[tuple[str, str]]


class TopicsPage:
    """``/topics`` and one topic, for those with the role ``admin``."""

    def __init__(self, view: View, settings: Settings) -> None:
        self._view = view
        self._settings = settings
        self._readers = asyncio.Semaphore(_AT_A_TIME)

    @property
    def there(self) -> bool:
        """Whether the settings name a Kafka."""
        return self._settings.page_kafka is not None

    def routes(self) -> list[Route]:
        """Return all routes; none without a Kafka."""
        if not self.there:
            return []
        return [
            Route("/topics", self.topics, methods=["GET"]),
            Route("/topics/{name}", self.topic, methods=["GET"]),
        ]

    async def topics(self, request: Request) -> Response:
        """List the topics that the key may see."""
        demand(request, "admin")
        problem = ""
        try:
            async with self._readers:
                found = await asyncio.to_thread(lambda: list_topics(self._connection()))
        except KafkaError as error:
            found, problem = [], str(error)
        return self._view.render(request, "topics.html", topics=found, problem=problem)

    async def topic(self, request: Request) -> Response:
        """Show the last records of a topic, the newest first."""
        demand(request, "admin")
        name = request.path_params["name"]
        if len(name) > 249:
            raise NotFound("There is no such topic.")
        problem = ""
        try:
            async with self._readers:
                records = await asyncio.to_thread(self._last, name)
        except KafkaError as error:
            records, problem = [], str(error)
        shown = [shown_record(one) for one in records]
        return self._view.render(
            request, "topic.html", name=name, records=shown, problem=problem, most=MOST
        )

    def _last(self, topic: str) -> list[Record]:
        """Return the last records; blocks."""
        begin = Beginning(last=MOST)
        found = list(consume(self._connection(), topic, at=begin, most=None, follow=False))
        found.sort(key=lambda one: (one.timestamp, one.offset), reverse=True)
        return found[:MOST]

    def _connection(self) -> KafkaConnection:
        settings = self._settings
        password = None
        if settings.page_kafka_password_file is not None:
            try:
                password = Path(settings.page_kafka_password_file).read_text().strip()
            except OSError as error:
                name = "KAFKA_GATEWAY_PAGE_KAFKA_PASSWORD_FILE"
                raise KafkaError(f"{name} cannot be read: {error.strerror}") from None
        return KafkaConnection(
            bootstrap_servers=settings.page_kafka or "",
            user=settings.page_kafka_user,
            password=password,
            ca=settings.page_kafka_ca,
        )


def shown_record(record: Record) -> ShownRecord:
    """Return a record as text: bytes that are none are shown in hexadecimal."""
    return ShownRecord(
        partition=record.partition,
        offset=record.offset,
        at=record.timestamp / 1000,
        key=_text(record.key),
        value=_text(record.value),
        headers=[(name, _text(value) or "") for name, value in record.headers],
    )


def _text(content: bytes | None) -> str | None:
    if content is None:
        return None
    cut = content[: 4 * _LONGEST]
    try:
        text = cut.decode()
    except UnicodeDecodeError as error:
        # Cut in the middle of a character is no reason to show it as bytes.
        if error.start < len(cut) - 3 or len(cut) == len(content):
            text = f"0x{cut[: _LONGEST // 2].hex()}"
        else:
            text = cut[: error.start].decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
