# SPDX-License-Identifier: Apache-2.0
"""A producer of librdkafka and its queue, which are freed when nothing uses them any more.

librdkafka's rule: no call may be under way, and none may follow (``rdkafka.h`` of version 2, of
``rd_kafka_destroy`` and ``rd_kafka_queue_destroy``). So there is a gate, closed before the end.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.errors import ProduceError
from gateway.kafka import librdkafka as rdk
from gateway.kafka.librdkafka import ffi, lib, text

_NULL = ffi.NULL
_WAKE = (1).to_bytes(8, "little")
_EVENTS = rdk.EVENT_DELIVERY | rdk.EVENT_LOG | rdk.EVENT_ERROR | rdk.EVENT_OAUTHBEARER_TOKEN_REFRESH
_lent: dict[int, dict[int, bytes]] = {}
"""By handle, what librdkafka reads where it is. Kept here, since a handle that is forgotten and
never freed goes on sending."""


class Handle:
    """``pointer``, a ``rd_kafka_t``, and ``queue``, which makes ``read_end`` readable.

    ``closed``: the gate is. ``lent``: the values that librdkafka reads where they are, by token.
    Raises ``ProduceError`` when the settings cannot be used.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.pointer = _new_handle(settings)
        self.queue = lib.rd_kafka_queue_get_main(self.pointer)
        self.read_end, self._write_end = _wake_pipe()
        lib.rd_kafka_queue_io_event_enable(self.queue, self._write_end, _WAKE, len(_WAKE))
        lib.rd_kafka_set_log_queue(self.pointer, _NULL)
        self.closed = False
        self.lent: dict[int, bytes] = {}
        self._address = int(ffi.cast("uintptr_t", self.pointer))
        _lent[self._address] = self.lent
        self._lock = threading.Lock()
        self._calls = 0
        self._unused = threading.Event()

    def enter(self) -> bool:
        """Tell whether a call may be made; then ``leave`` has to follow it. From any thread."""
        with self._lock:
            if not self.closed:
                self._calls += 1
            return not self.closed

    def leave(self) -> None:
        """Say that a call is over."""
        with self._lock:
            self._calls -= 1
            self._note()

    def close(self) -> None:
        """Let no further call in."""
        with self._lock:
            self.closed = True
            self._note()

    def wait(self) -> None:
        """Block until the last call is over."""
        self._unused.wait()

    def free(self, topics: Iterable[Any]) -> None:
        """Free it with its topics' handles; blocks while its threads end. Later calls do nothing.

        For one that is closed, and not used.
        """
        with self._lock:
            pointer, self.pointer = self.pointer, _NULL
            queue, self.queue = self.queue, _NULL
        if pointer == _NULL:
            return
        for topic in topics:
            lib.rd_kafka_topic_destroy(topic)
        lib.rd_kafka_queue_io_event_enable(queue, -1, _NULL, 0)
        lib.rd_kafka_queue_destroy(queue)
        # From now on its address may be that of another.
        kept = _lent.pop(self._address)
        lib.rd_kafka_destroy_flags(pointer, 0)
        kept.clear()
        for end in {self.read_end, self._write_end}:
            os.close(end)

    def _note(self) -> None:
        if self.closed and not self._calls:
            self._unused.set()


def _new_handle(settings: Mapping[str, str]) -> Any:
    problem = ffi.new("char[512]")
    conf = lib.rd_kafka_conf_new()
    for name, value in settings.items():
        if lib.rd_kafka_conf_set(conf, name.encode(), value.encode(), problem, 512):
            lib.rd_kafka_conf_destroy(conf)
            # librdkafka's text may repeat the value, which may be a secret.
            raise ProduceError("_INVALID_ARG", f"librdkafka does not accept the setting {name}")
    lib.rd_kafka_conf_set_events(conf, _EVENTS)
    handle = lib.rd_kafka_new(rdk.PRODUCER, conf, problem, 512)
    if handle == _NULL:
        lib.rd_kafka_conf_destroy(conf)
        raise ProduceError("_INVALID_ARG", text(problem))
    return handle


def _wake_pipe() -> tuple[int, int]:
    """Return the descriptor to watch and the one to write to."""
    if hasattr(os, "eventfd"):
        both = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        return both, both
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    os.set_blocking(write_end, False)
    return read_end, write_end
