# SPDX-License-Identifier: Apache-2.0
"""What librdkafka's delivery reports hold, copied: the originals go with the event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.kafka.batch import Header
from gateway.kafka.key_order import QueuedRecord
from gateway.kafka.librdkafka import ffi, lib, text


class Reports(Sequence[Any]):
    """The reports of one batch, in the order in which its records were handed over.

    Each has ``err``, ``len`` and the token as ``_private``. It becomes an object when it is looked
    at: of most batches only the first and the last are.
    """

    __slots__ = ("_count", "_pointers")

    def __init__(self, pointers: Any, count: int) -> None:
        self._pointers = pointers
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: Any) -> Any:
        return self._pointers[range(self._count)[place]]

    def __iter__(self) -> Iterator[Any]:
        return iter(ffi.unpack(self._pointers, self._count))


def topic_of(message: Any) -> str:
    """Return the topic of a reported record."""
    return text(lib.rd_kafka_topic_name(message.rkt))


def latency_of(message: Any) -> int:
    """Return the microseconds from a record's hand-over to its report."""
    # -1 where librdkafka cannot say.
    return max(0, int(lib.rd_kafka_message_latency(message)))


def record_of(message: Any, extras: Mapping[int, int]) -> QueuedRecord:
    """Return a copy of a reported record as it was sent; ``extras``: bytes of key and headers."""
    value, key, headers = content_of(message)
    token: int = message._private
    size = len(value) + extras.get(token, 0)
    return QueuedRecord(token, topic_of(message), value, key, headers, size)


def content_of(message: Any) -> tuple[bytes, bytes | None, list[Header]]:
    """Return a copy of a reported record: value, key, headers."""
    value = bytes(ffi.buffer(message.payload, message.len)) if message.len else b""
    key = bytes(ffi.buffer(message.key, message.key_len)) if message.key_len else None
    headers: list[Header] = []
    held = ffi.new("rd_kafka_headers_t **")
    if lib.rd_kafka_message_headers(message, held) == 0:
        name, content = ffi.new("const char **"), ffi.new("const void **")
        size, get = ffi.new("size_t *"), lib.rd_kafka_header_get_all
        while get(held[0], len(headers), name, content, size) == 0:
            headers.append((text(name[0]), bytes(ffi.buffer(content[0], size[0]))))
    return value, key, headers
