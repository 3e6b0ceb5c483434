# SPDX-License-Identifier: Apache-2.0
"""One librdkafka handle on the event loop: records in, reports, logs and errors out.

librdkafka writes to a file descriptor when its queue becomes readable; the loop then takes
everything that is there. Nothing here blocks but ``metadata`` and ``destroy``, which are for other
threads.

The handle is freed when nothing uses it any more: after ``detach`` the loop's thread calls into
librdkafka no more, and ``destroy`` waits for the calls that are still under way.

Batching. librdkafka's ``linger.ms`` is fixed: 0 sends the first record of a burst alone (and an
idempotent producer then spins until that request is answered, since it has one in flight at a
time); anything above means a sleep of whole milliseconds when nothing else happens. So it is longer
than handing over takes, and ``push`` sends at once what is queued: ``rd_kafka_flush`` lifts the
linger time while it waits, on a thread of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from array import array
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, Protocol

from gateway.errors import ProduceError
from gateway.kafka import librdkafka as rdk
from gateway.kafka.batch import JOINED, LENT, Batch
from gateway.kafka.handle import Handle
from gateway.kafka.headed_records import HeadedRecords
from gateway.kafka.librdkafka import DESTROYED, ffi, lib, text
from gateway.kafka.pusher import Pusher
from gateway.kafka.reports import Reports

_WORDS = 9
"""Machine words of a ``rd_kafka_message_t``: error, topic, partition, value and its length, key and
its length, offset, token."""
_ERROR, _VALUE, _LENGTH, _KEY, _KEY_LENGTH, _TOKEN = 0, 3, 4, 5, 6, 8
_ROOM = 1024
_NULL = ffi.NULL


class ClientListener(Protocol):
    """What a client reports to, always on the loop's thread."""

    def on_deliveries(self, messages: Sequence[Any]) -> None:
        """Take the reports of one batch; each message has ``err``, ``len`` and the token as
        ``_private``. They are gone when this returns.
        """
        ...

    def on_error(self, code: int, detail: str) -> None:
        """Take an error that belongs to no record."""
        ...

    def on_fatal(self, code: int, detail: str) -> None:
        """Take an error after which the client is of no use any more."""
        ...

    def on_log(self, level: int, facility: str, message: str) -> None:
        """Take a line of librdkafka's log; ``level`` is syslog's."""
        ...

    def on_token_wanted(self) -> None:
        """Fetch a token for SASL/OAUTHBEARER, then call ``set_token`` or ``token_failed``."""
        ...


class Client:
    """A librdkafka producer. Raises ``ProduceError`` when the settings cannot be used."""

    def __init__(
        self, settings: Mapping[str, str], loop: asyncio.AbstractEventLoop, listener: ClientListener
    ) -> None:
        self._loop = loop
        self._listener = listener
        self._handle = Handle(settings)
        self._lent = self._handle.lent
        self._topics: dict[str, Any] = {}
        self._headed = HeadedRecords(self._handle.pointer, self._lent)
        self._reports = ffi.new("rd_kafka_message_t *[]", _ROOM)
        self._reports_out = ffi.cast("const rd_kafka_message_t **", self._reports)
        self._words = array("Q", [0]) * (_WORDS * _ROOM)
        self._messages = ffi.cast("rd_kafka_message_t *", ffi.from_buffer(self._words))
        self._pusher = Pusher(self._handle.pointer)
        self._muted = False
        # What was queued before the descriptor was watched makes no event.
        loop.add_reader(self._handle.read_end, self._readable)
        loop.call_soon(self._drain)

    def topic(self, name: str) -> Any:
        """Return the handle of a topic, looked up from then on; raises ``ProduceError``."""
        if self._handle.closed:
            raise rdk.produce_error(DESTROYED)
        found = self._topics.get(name)
        if found is None:
            found = lib.rd_kafka_topic_new(self._handle.pointer, name.encode(), _NULL)
            if found == _NULL:
                code = lib.rd_kafka_last_error()
                raise rdk.produce_error(code)
            self._topics[name] = found
        return found

    def produce(self, name: str, batch: Batch) -> list[tuple[int, int]]:
        """Queue records; return token and error code of those that were not taken."""
        if self._handle.closed:
            return [(token, DESTROYED) for token in batch.tokens]
        topic = self.topic(name)
        if batch.headed:
            return self._headed.produce(topic, batch)
        count = len(batch.values)
        if count == 1 or batch.size > JOINED:
            return self._produce_each(topic, batch)
        failed: list[tuple[int, int]] = []
        for start in range(0, count, _ROOM):
            failed += self._produce_joined(topic, batch, start, min(count, start + _ROOM))
        return failed

    def push(self) -> None:
        """Send what is queued without waiting for more."""
        self._pusher.push()

    def forget_push(self) -> bool:
        """Drop a push that its thread has not come to; return whether one is under way.

        What it was to send is gone, and what is queued while one is under way is sent bit by bit.
        """
        return self._pusher.forget()

    @property
    def pushing(self) -> bool:
        """Whether a push is under way: what is queued now may go in several batches."""
        return self._pusher.busy

    def metadata(self, topic: str | None, timeout: int) -> int:
        """Ask for brokers and a topic's leaders; block up to ``timeout`` ms; return an error code.

        For another thread than the loop's. Also makes librdkafka see a topic that came back.
        """
        if not self._handle.enter():
            return DESTROYED
        try:
            out = ffi.new("const void **")
            handle = _NULL if topic is None else self._topics.get(topic, _NULL)
            code: int = lib.rd_kafka_metadata(self._handle.pointer, 0, handle, out, timeout)
            if code == 0:
                lib.rd_kafka_metadata_destroy(out[0])
            return code
        finally:
            self._handle.leave()

    def set_token(
        self, token: str, expires: int, principal: str, extensions: Sequence[tuple[str, str]]
    ) -> None:
        """Hand a token over; ``expires`` is in ms since 1970. Raises ``ProduceError``."""
        if self._handle.closed:
            return
        names = [ffi.new("char[]", word.encode()) for pair in extensions for word in pair]
        array_of_names = ffi.new("const char *[]", names) if names else _NULL
        problem = ffi.new("char[512]")
        if lib.rd_kafka_oauthbearer_set_token(
            self._handle.pointer,
            token.encode(),
            expires,
            principal.encode(),
            array_of_names,
            len(names),
            problem,
            512,
        ):
            raise ProduceError("_AUTHENTICATION", text(problem))

    def token_failed(self, reason: str) -> None:
        """Say that there is no token; librdkafka asks again after ten seconds."""
        if not self._handle.closed:
            lib.rd_kafka_oauthbearer_set_token_failure(self._handle.pointer, reason.encode())

    @property
    def queued(self) -> int:
        """Number of records and reports that librdkafka still holds."""
        return 0 if self._handle.closed else int(lib.rd_kafka_outq_len(self._handle.pointer))

    def purge(self, *, queued_only: bool = False) -> None:
        """Give up every record, or those that are not in flight; their reports follow."""
        if not self._handle.closed:
            what = rdk.PURGE_QUEUE if queued_only else rdk.PURGE_ALL
            lib.rd_kafka_purge(self._handle.pointer, what)

    def mute(self) -> None:
        """Report no more errors that belong to no record."""
        self._muted = True

    @property
    def detached(self) -> bool:
        """Whether it is of no use any more."""
        return self._handle.closed

    def detach(self) -> None:
        """Stop listening, on the loop's thread; then ``destroy`` on another.

        From now on nothing is reported, no record is taken, and other calls do nothing.
        """
        if not self._handle.closed:
            self._loop.remove_reader(self._handle.read_end)
            self._handle.close()

    def destroy(self) -> None:
        """Free what was detached; blocks while its threads end and calls are under way."""
        self._handle.wait()
        self._pusher.stop()
        self._handle.free(self._topics.values())
        self._topics.clear()

    def _produce_joined(
        self, topic: Any, batch: Batch, start: int, end: int
    ) -> list[tuple[int, int]]:
        """Hand over many with one call. Columns are filled in C; no loop in Python."""
        values, tokens = batch.values[start:end], batch.tokens[start:end]
        count, words = end - start, self._words
        joined = ffi.from_buffer(b"".join(values))
        lengths = array("Q", map(len, values))
        places = array("Q", accumulate(lengths, initial=int(ffi.cast("uintptr_t", joined))))
        places.pop()
        limit = count * _WORDS
        words[_VALUE:limit:_WORDS] = places
        words[_LENGTH:limit:_WORDS] = lengths
        words[_TOKEN:limit:_WORDS] = array("Q", tokens)
        keys = []
        for place in batch.extras:
            key = batch.extras[place][0]
            if key and start <= place < end:
                buffer = ffi.from_buffer(key)
                keys.append((buffer, (place - start) * _WORDS))
                words[keys[-1][1] + _KEY] = int(ffi.cast("uintptr_t", buffer))
                words[keys[-1][1] + _KEY_LENGTH] = len(key)
        taken = lib.rd_kafka_produce_batch(
            topic, rdk.PARTITION_UNASSIGNED, rdk.COPY, self._messages, count
        )
        for _, offset in keys:
            words[offset + _KEY] = words[offset + _KEY_LENGTH] = 0
        if taken == count:
            return []
        messages = self._messages
        errors = [(tokens[index], messages[index].err) for index in range(count)]
        words[_ERROR:limit:_WORDS] = array("Q", bytes(8 * count))
        return [(token, code) for token, code in errors if code]

    def _produce_each(self, topic: Any, batch: Batch) -> list[tuple[int, int]]:
        produce, failed = lib.rd_kafka_produce, []
        for index, (value, token) in enumerate(zip(batch.values, batch.tokens, strict=True)):
            key = batch.extras[index][0] if index in batch.extras else None
            if produce(
                topic,
                rdk.PARTITION_UNASSIGNED,
                self._lend(token, value),
                value,
                len(value),
                key or _NULL,
                len(key or b""),
                token,
            ):
                self._lent.pop(token, None)
                failed.append((token, lib.rd_kafka_last_error()))
        return failed

    def _lend(self, token: int, value: bytes) -> int:
        """Return the flags that a value is produced with.

        A large one is kept here until it is reported, which everything is: written, failed or
        purged.
        """
        if len(value) < LENT:
            return rdk.COPY
        self._lent[token] = value
        return 0

    def _readable(self) -> None:
        if not self._handle.closed:
            with contextlib.suppress(BlockingIOError):
                os.read(self._handle.read_end, 4096)
            self._drain()

    def _drain(self) -> None:
        # A call like those of other threads: the listener may have the client destroyed.
        handle = self._handle
        if not handle.enter():
            return
        try:
            poll, queue = lib.rd_kafka_queue_poll, handle.queue
            while not handle.closed and (event := poll(queue, 0)) != _NULL:
                try:
                    self._dispatch(event)
                finally:
                    lib.rd_kafka_event_destroy(event)
        finally:
            handle.leave()

    def _report(self, event: Any) -> None:
        count = lib.rd_kafka_event_message_count(event)
        reports, out = self._reports, self._reports_out
        if count > _ROOM:
            reports = ffi.new("rd_kafka_message_t *[]", count)
            out = ffi.cast("const rd_kafka_message_t **", reports)
        count = lib.rd_kafka_event_message_array(event, out, count)
        if count:
            messages = Reports(reports, count)
            # Let go when the listener has read them; by then it may have sent some of them again.
            lent = [self._lent.pop(one._private, None) for one in messages] if self._lent else None
            self._listener.on_deliveries(messages)
            del lent

    def _dispatch(self, event: Any) -> None:
        kind = lib.rd_kafka_event_type(event)
        if kind == rdk.EVENT_DELIVERY:
            self._report(event)
        elif kind == rdk.EVENT_ERROR and not self._muted:
            code, said = lib.rd_kafka_event_error(event), lib.rd_kafka_event_error_string(event)
            fatal = lib.rd_kafka_event_error_is_fatal(event)
            (self._listener.on_fatal if fatal else self._listener.on_error)(code, text(said))
        elif kind == rdk.EVENT_LOG:
            facility, message = ffi.new("const char **"), ffi.new("const char **")
            level = ffi.new("int *")
            if lib.rd_kafka_event_log(event, facility, message, level) == 0:
                self._listener.on_log(level[0], text(facility[0]), text(message[0]))
        elif kind == rdk.EVENT_OAUTHBEARER_TOKEN_REFRESH:
            self._listener.on_token_wanted()
