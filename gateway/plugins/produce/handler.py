# SPDX-License-Identifier: Apache-2.0
"""What ``kafka-upstream`` and ``confluent`` do with a request: make records, send, respond."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from typing import Any

from gateway.errors import (
    BodyUnreadable,
    BufferFull,
    KafkaRefuses,
    ProduceError,
    ProducerUnhealthy,
    ReleaseRefused,
    RequestRejected,
    SchemaUnusable,
)
from gateway.http import arguments
from gateway.http.log_ids import named
from gateway.http.messages import Pending, Request, Response
from gateway.http.route_match import RouteMatch
from gateway.kafka.batch import Header, extra_size
from gateway.kafka.outbox import StampedOutbox
from gateway.logs import get_logger
from gateway.plugins.base import PluginContext
from gateway.plugins.chain import failure
from gateway.plugins.produce import responses
from gateway.plugins.produce.bulk import Addressed, Made, collect, made, send
from gateway.plugins.produce.callers import Callers
from gateway.plugins.produce.envelope import (
    EnvelopeBuilder,
    RawTexts,
    Texts,
    content_coding,
    encoded,
    raw,
)
from gateway.plugins.produce.lua import LuaFunctions
from gateway.plugins.produce.opening import OpensProducer
from gateway.plugins.produce.outcomes import NOT_WRITTEN, AcceptedLost, Delivery, Gathering, Lost
from gateway.plugins.produce.producer_config import is_async
from gateway.plugins.produce.records import (
    TOPIC_NOT_ALLOWED,
    Keys,
    SizeLimit,
    Topics,
    TracedHeaders,
    split_array,
    split_lines,
)
from gateway.plugins.produce.registry import schema_stage
from gateway.plugins.produce.single import SingleRecords
from gateway.plugins.produce.turns import Awaited, Steps, in_turns

_log = get_logger("gateway.kafka")
_REFUSALS = (RequestRejected, BufferFull, KafkaRefuses, ProducerUnhealthy, SchemaUnusable)
_NO_HEADERS: Sequence[Header] = ()


class ProduceHandler(OpensProducer):
    """The access phase of both plugins; subclasses say which producer they want."""

    produces = True

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self.detailed = bool(config.error_handling and config.error_handling.return_error_message)
        self._buffered = is_async(config)
        chunks = config.message_by_lua_functions
        if chunks and not context.lua_allowed:
            refused = "message_by_lua_functions: Lua is switched off here by KONG_UNTRUSTED_LUA=off"
            raise ReleaseRefused([refused])
        limits = context.record_limits
        self._lua = LuaFunctions(chunks, deepest=limits.depth + 2) if chunks else None
        self._most = config.max_records or limits.records
        self._sizes = SizeLimit(config.max_record_size or limits.size)
        self.topics = Topics(config, self._not_allowed)
        self._keys = Keys(config)
        self._headers = TracedHeaders(config, self.topics, context.consumers, self._sizes)
        self._bare = self._headers.only_traces
        self._split = {"ndjson": split_lines, "json_array": split_array}.get(config.records)
        self._envelopes = EnvelopeBuilder(
            method=config.forward_method,
            headers=config.forward_headers,
            uri=config.forward_uri,
            body=config.forward_body,
            elements=self._split is not None,
            deepest=limits.depth,
        )
        self._deepest = limits.depth
        self.needs_body = bool(config.forward_body or config.raw_body or self._split)
        self._topic: str = config.topic
        self._schemas = schema_stage(config, context)
        self._is_one = False
        self._callers: Callers | None = None
        callers = config.consumer_credentials
        if callers is None or callers.otherwise == "default":
            self.start(None)
        if callers is not None:
            own = self._run if callers.otherwise == "default" else None
            loop = context.producers.loop
            self._callers = Callers(callers, context.consumers, loop, self, own)
            self._run = self._callers.run
            # Callers write with credentials of their own, which nobody else may write with.
            self.produces = False

    def access(self, request: Request) -> Response | Pending:
        """Write the request's records; respond now, or when Kafka has."""
        try:
            outbox = request.outbox
            if outbox is not None:
                if self.produces and self.producer is not None:
                    outbox.open(self.producer)
                    if self._is_one and type(outbox) is StampedOutbox and not request.admission:
                        return self._one_stamped(request, outbox)
                    return self._in_turns(request)
                request.outbox = None
            run = self._run
            return run(request)
        except _REFUSALS as error:
            return self._refused(request, error)

    def _refused(self, request: Request, error: RequestRejected | ProduceError) -> Response:
        """Return the response to a request that was refused before its first record was sent."""
        if isinstance(error, ProduceError):
            return self.failed(error, request)
        if isinstance(error, BodyUnreadable) and (coding := content_coding(request)):
            return responses.refused(encoded(coding))
        if error.__cause__ is not None:
            _log.error(
                "message_by_lua_functions failed",
                **named(request),
                problem=str(error.__cause__).partition("\n")[0],
            )
        return responses.refused(error)

    def failed(self, error: ProduceError, request: Request) -> Response:
        """Return the response to a request whose only record was not written."""
        self.note(NOT_WRITTEN, error, (self._topic,), request.match, named(request))
        return responses.failed(error, detailed=self.detailed)

    def note(
        self,
        event: str,
        error: ProduceError,
        topics: Sequence[str],
        match: RouteMatch | None,
        ids: Mapping[str, str],
    ) -> None:
        """Log a record that is not written; ``topics`` when the error does not know which."""
        route = self.context.route_id
        if match is not None:
            route = match.route.get("name") or match.route["id"]
        topic = error.topic or ",".join(topics)
        self._record_log(event, error, topic, route, ids)

    def close(self) -> None:
        """Give the producer back, and the schema registry."""
        if self._schemas is not None:
            self._schemas.close()
            self._schemas = None
        if self._callers is not None:
            self._callers.close()
            self._callers = None
            # They know this handler: without that it would be a cycle.
            self._run = responses.closed
        self.give_back()

    def _way(self) -> Callable[[Request], Response | Pending]:
        """Return the shortest way for this configuration."""
        config = self.config
        self._headers = self._headers.sent_by(self.producer)
        if self._split or self._schemas is not None:
            return self._in_turns
        addressed = config.topics_query_arg or config.key_query_arg or config.key_header
        if addressed or self._lua is not None or config.accepted:
            return self._general
        if config.raw_body:
            self._encode: Callable[[Request, bytes], bytes] = raw
        else:
            self._encode = self._envelopes.encode
        self._is_one = not self._buffered
        if self._buffered:
            return self._one_buffered
        most, otherwise = self._sizes.value, (self._must_wait, self._in_turns)
        one = SingleRecords(
            self, self._topic, self._encode, self._send, self._headers, most, *otherwise
        )
        return one.take

    def _one_stamped(self, request: Request, outbox: StampedOutbox) -> Pending:
        """What ``_in_turns`` does with an only record whose response waits for it."""
        value = self._encode(request, request.body)
        headers = _NO_HEADERS if self._bare and request.trace is None else self._headers.of(request)
        self._sizes.check(len(value), None, [*headers, *outbox.stamp])
        delivery = Delivery(self, request)
        outbox.send(self._topic, value, None, headers, delivery.report)
        return delivery

    def _one_buffered(self, request: Request) -> Response | Pending:
        value = self._encode(request, request.body)
        size = len(value)
        if self._bare and request.trace is None and size <= self._sizes.value:
            headers = _NO_HEADERS
        else:
            headers = self._headers.fitting(request, size)
        if request.admission is not None and self._must_wait(request, size):
            return self._in_turns(request)
        self._send(self._topic, value, None, headers, Lost(self, request, (self._topic,)))
        return responses.SENT

    def _must_wait(self, request: Request, size: int) -> bool:
        """Have a record admitted, or raise; True where that has to be waited for, in turns."""
        admission = request.admission
        if not admission.at_once:
            return True
        self._open_producer().check_room(1, size)
        admission.decide(request, (self._topic,), 1, size)
        return False

    def _general(self, request: Request) -> Response | Pending:
        """Send one record, with all that can be said of it but a schema."""
        if request.admission is not None:
            return self._in_turns(request)
        value = self._value(request)
        to = self._addressed(request)
        self._sizes.check(len(value), to.key, to.headers)
        size = len(value) + extra_size(to.key, to.headers)
        self._open_producer().check_room(len(to.topics), size * len(to.topics))
        gathering: Gathering | None = None
        response: Response | Pending = responses.SENT
        if self.config.accepted:
            response = responses.accepted(request.id.decode())
        elif not self._buffered:
            response = gathering = Gathering(self, request, 1, to.topics, listed=False)
        on_delivery = self._lost(request, to) if gathering is None else gathering.of(0)
        self._headers.follow(request)
        for topic in to.topics:
            try:
                self._send(topic, value, to.key, to.headers, on_delivery)
            except BufferFull as error:
                if response is not gathering:
                    raise
                # There is room: this one is of a kind of which too many wait already.
                on_delivery(error)
        return response

    def _in_turns(self, request: Request) -> Response | Pending:
        return in_turns(self._steps(request), partial(self._failed, request))

    def _steps(self, request: Request) -> Steps:
        """Make records of what a request carries, and send them, in turns."""
        texts = yield from self._texts(request)
        sizes, make = yield from self._made(request, texts)
        to = self._addressed(request)
        if self._schemas is not None:
            sizes, make, key = yield from self._serialized(sizes, make, to.key)
            to = to._replace(key=key)
        listed = self._split is not None
        outbox = request.outbox
        stamped = [*to.headers, *outbox.stamp] if outbox else to.headers
        self._sizes.check_all(sizes, to.key, stamped, listed=listed)
        gathering = None
        lost = self._lost(request, to)
        if not (self.config.accepted or self._buffered):
            gathering = Gathering(self, request, len(sizes), to.topics, listed=listed)
        of = (lambda _: lost) if gathering is None else gathering.of
        admit = request.admission and partial(request.admission.admit, request)
        errors = yield from send(outbox or self._open_producer(), to, sizes, make, of, admit)
        if gathering is not None:
            return gathering
        if self.config.accepted:
            return responses.accepted(request.id.decode())
        many = responses.many(errors, buffered=True, detailed=self.detailed) if listed else None
        return many or responses.SENT

    def _texts(self, request: Request) -> Generator[None, None, list[bytes]]:
        """Return what each record is made of; raises ``RequestRejected``."""
        if self._split is None:
            return [request.body]
        found: list[bytes] = []
        for text in self._split(request.body, self._deepest):
            if len(found) == self._most:
                problem = f"the body holds more records than max_records allows: {self._most}"
                raise RequestRejected(413, problem)
            found.append(text)
            yield
        if not found:
            raise RequestRejected(400, "the body holds no records")
        return found

    def _made(self, request: Request, texts: list[bytes]) -> Generator[None, None, Made]:
        """Return the sizes of the values, and what makes them: as late as can be."""
        if self._split is None:
            return made([self._value(request)])
        if self._lua is None:
            kind: Texts = RawTexts() if self.config.raw_body else self._envelopes.of(request)
            sizes = []
            for text in texts:
                sizes.append(kind.size(text))
                yield
            return sizes, lambda index: kind.encode(texts[index])
        room = self._open_producer().config.buffer_bytes
        return (
            yield from collect(len(texts), lambda index: self._value(request, texts[index]), room)
        )

    def _serialized(
        self, sizes: list[int], make: Callable[[int], bytes], key: bytes | None
    ) -> Generator[Awaited | None, None, tuple[list[int], Callable[[int], bytes], bytes | None]]:
        """Return sizes, values and key as records of the schemas have them."""
        assert self._schemas is not None
        schemas = yield from self._schemas.prepare(key is not None)
        many = len(sizes) > 1
        sizes, make = yield from collect(
            len(sizes),
            lambda index: schemas.value(make(index), index + 1 if many else 0),
            self._open_producer().config.buffer_bytes,
        )
        return sizes, make, schemas.key(key)

    def _addressed(self, request: Request) -> Addressed:
        """Return where a request's records go, with key and headers: all of them the same."""
        query = arguments.parse(request.query) if self.config.topics_query_arg else {}
        return Addressed(
            self.topics.choose(query),
            self._keys.find(request),
            self._headers.of(request),
        )

    def _value(self, request: Request, text: bytes | None = None) -> bytes:
        """``text``: the record's part of the body; None: the whole body."""
        body = request.body if text is None else text
        value = body if self.config.raw_body else self._envelopes.encode(request, body)
        if self._lua is None:
            return value
        message = value if self.config.raw_body else self._lua.load(value)
        return self._lua.change(message, request, len(value))

    def _lost(self, request: Request, to: Addressed) -> Lost:
        """Return what takes the reports of records whose sender does not wait."""
        kind = AcceptedLost if self.config.accepted else Lost
        return kind(self, request, to.topics)

    def _failed(self, request: Request, error: Exception) -> Response:
        """Return the response to what was raised between two turns."""
        if isinstance(error, _REFUSALS):
            return self._refused(request, error)
        return failure(request, error)

    def _not_allowed(self, names: list[str]) -> None:
        if self.producer is not None:
            self.producer.watch.log.error(TOPIC_NOT_ALLOWED, ", ".join(names)[:500])
