# SPDX-License-Identifier: Apache-2.0
"""Where a request's records go and with what: topics, keys, record headers; many in one request."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Sequence

from gateway.errors import BodyUnreadable, RequestRejected
from gateway.http import arguments
from gateway.http.headers import Headers
from gateway.http.messages import Request
from gateway.kafka.batch import Header, extra_size
from gateway.kafka.producer import Producer
from gateway.kafka.written import WrittenRecords
from gateway.plugins.consumers import Consumers
from gateway.plugins.produce import json_text
from gateway.plugins.produce.identity import IdentityOf
from gateway.plugins.produce.settings import Envelope, RecordHeaders

TOPIC_NOT_ALLOWED = "one or more target topics are not in the allowed topics list"


class Topics:
    """Chooses the topics of a request."""

    def __init__(self, config: Envelope, refused: Callable[[list[str]], None]) -> None:
        self._argument = config.topics_query_arg
        self._refused = refused
        self._default = (config.topic,)
        self.allowed = frozenset({config.topic, *(config.allowed_topics or ())})
        """Every topic that a record may go to."""

    def choose(self, query: arguments.Arguments) -> Sequence[str]:
        """Return the topics, each once.

        Raises ``RequestRejected`` (400) after telling ``refused`` the names that are not allowed.
        """
        given = query.get(self._argument) if self._argument else None
        if given is None:
            return self._default
        values = given if isinstance(given, list) else [given]
        names = ",".join(value for value in values if isinstance(value, str)).split(",")
        wanted = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
        if not self.allowed.issuperset(wanted):
            self._refused(sorted(set(wanted) - self.allowed))
            raise RequestRejected(400, TOPIC_NOT_ALLOWED)
        return wanted or self._default


class Keys:
    """Finds a record's key."""

    def __init__(self, config: Envelope) -> None:
        self._argument = config.key_query_arg.encode() if config.key_query_arg else None
        self._header = config.key_header.lower().encode() if config.key_header else None

    def find(self, request: Request) -> bytes | None:
        """Return the key, byte by byte; None when there is none, or it is empty."""
        if self._argument:
            found = arguments.first(request.query, self._argument)
            if found:
                return found
        return (request.header(self._header) or None) if self._header else None


Select = Callable[[Request], list[Header]]
"""Makes the record headers of a request."""


def record_headers(config: RecordHeaders | None, consumers: Consumers) -> Select | None:
    """Return what makes the record headers of a request; None when none can come of it."""
    if config is None:
        return None
    forwarded = _forwarded(config)
    identity = None if config.identity is None else IdentityOf(config.identity, consumers)
    if identity is None or not identity.names:
        return forwarded
    if forwarded is None:
        return identity
    reserved = identity.names

    def select(request: Request) -> list[Header]:
        sent = [pair for pair in forwarded(request) if pair[0].lower() not in reserved]
        return sent + identity(request)

    return select


class TracedHeaders:
    """Makes the record headers of requests, those of their traces included.

    A trace goes on with its records unless request headers are not to become record headers.
    """

    def __init__(
        self, config: Envelope, topics: Topics, consumers: Consumers, sizes: SizeLimit
    ) -> None:
        headers = config.headers
        self._select = record_headers(headers, consumers)
        self._goes_on = headers is None or headers.forward_http_headers_as_record_headers
        self._by_query = bool(config.topics_query_arg)
        self._topics = topics
        self._sizes = sizes
        self.only_traces = self._select is None
        """Only requests with a trace have record headers."""
        alone = self.only_traces and self._goes_on
        self.most_passing = sizes.with_trace if alone else -1
        """Bytes of values up to which a record has the headers ``request.passing``, and fits with
        them; -1: there is no saying."""
        self._producer: Producer | None = None

    def sent_by(self, producer: Producer | None) -> TracedHeaders:
        """Return the same for records that a producer sends."""
        made = copy.copy(self)
        made._producer = producer
        return made

    def of(self, request: Request) -> Sequence[Header]:
        """Return the headers of a request's records."""
        chosen = [] if self._select is None else self._select(request)
        trace = request.trace
        if trace is None:
            return chosen
        if trace.sampled:
            query = arguments.parse(request.query) if self._by_query else {}
            trace.topics = self._topics.choose(query)
            trace.written = None
        found: Sequence[Header] = trace.on_record(chosen) if self._goes_on else chosen
        return found

    def fitting(self, request: Request, size: int) -> Sequence[Header]:
        """Return the headers of a record whose value has so many bytes, and which is sent now.

        A recorded trace says where it was written, in each of its topics. Raises
        ``RequestRejected`` (413) where it is too large with them.
        """
        passing = request.passing
        if passing and size <= self.most_passing:
            # Nearly always, where there are traces.
            return passing
        headers = self.of(request)
        self._sizes.check(size, None, headers)
        self.follow(request)
        return headers

    def follow(self, request: Request) -> None:
        """Have a recorded trace say where the one record is written that a request sends next.

        To each topic of the trace. Only when nothing is left to refuse it for: the next record
        would be another request's.
        """
        trace, producer = request.trace, self._producer
        if trace is not None and trace.sampled and producer is not None:
            records = len(trace.topics)
            trace.written = written = WrittenRecords(records)
            producer.watch_tokens(producer.last_token, written.take, records)


def _forwarded(config: RecordHeaders) -> Select | None:
    """Return what makes record headers of request headers; None when none can come of it.

    The list of the other mode is ignored; names match case-insensitively; what is not renamed
    keeps its lower-case name.
    """
    if not config.forward_http_headers_as_record_headers:
        return None
    everything = config.forward_all_by_default
    listed = config.exclude_headers if everything else config.include_headers
    if not everything and not listed:
        return None
    names = frozenset(name.lower().encode() for name in listed)
    renamed = {old.lower().encode(): new for old, new in config.name_mappings.items()}
    repeated = config.repeated_headers_behavior

    def select(request: Request) -> list[Header]:
        chosen = [pair for pair in request.headers if (pair[0] in names) is not everything]
        if repeated != "retain_duplicates":
            chosen = _merge(chosen, first_only=repeated == "take_first")
        return [(renamed.get(name) or name.decode("latin-1"), value) for name, value in chosen]

    return select


def _merge(headers: Headers, *, first_only: bool) -> Headers:
    merged: dict[bytes, bytes] = {}
    for name, value in headers:
        if name not in merged:
            merged[name] = value
        elif not first_only:
            merged[name] += b"," + value
    return list(merged.items())


def record_size(value: int, key: bytes | None, headers: Sequence[Header]) -> int:
    """Return how many bytes a record takes in a batch at most, its value having ``value``.

    The upper bound of Kafka's own producer (``AbstractRecords.estimateSizeInBytesUpperBound``),
    which is what it holds against ``max.request.size``.
    """
    return value + _BATCH_AND_RECORD + extra_size(key, headers) + _HEADER * len(headers)


_BATCH_AND_RECORD = 61 + 21
"""What a batch and a record take beside their contents, at most (record format 2)."""
_HEADER = 10
"""Two lengths of up to five bytes."""
_TRACE = len("traceparent") + 55 + _HEADER


class SizeLimit:
    """The most bytes a record may have; ``value``: a value's, where it is all there is."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self.value = largest - _BATCH_AND_RECORD
        self.with_trace = self.value - _TRACE
        """A value's, where a ``traceparent`` is all there is beside it."""

    def check_all(
        self, sizes: Sequence[int], key: bytes | None, headers: Sequence[Header], *, listed: bool
    ) -> None:
        """Raise ``RequestRejected`` (413) for the first of many records that is larger."""
        most = self._largest - record_size(0, key, headers)
        if max(sizes) > most:
            place = next(place for place, size in enumerate(sizes, 1) if size > most)
            self.check(sizes[place - 1], key, headers, place if listed else 0)

    def check(
        self, value: int, key: bytes | None = None, headers: Sequence[Header] = (), place: int = 0
    ) -> None:
        """Raise ``RequestRejected`` (413) for a record that is larger.

        ``place``: that of the record among those of the request, from 1; 0: it is the only one.
        """
        size = record_size(value, key, headers)
        if size > self._largest:
            which = f"record {place}" if place else "the record"
            raise RequestRejected(
                413, f"{which} has {size} bytes; max_record_size allows {self._largest}"
            )


Split = Callable[[bytes, int], Iterator[bytes]]
"""Yields the JSON texts of a body, given how deep they may be nested; raises ``BodyUnreadable``."""


def split_lines(body: bytes, deepest: int) -> Iterator[bytes]:
    """Yield the JSON texts of NDJSON, blank lines left out."""
    for found in _lines(body):
        text = found[0].rstrip()
        try:
            json_text.check(text, deepest)
            text.decode()
        except ValueError as error:
            number = body.count(b"\n", 0, found.start()) + 1
            problem = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error
            raise BodyUnreadable(f"line {number} of the body is not JSON: {problem}") from None
        yield text


def split_array(body: bytes, deepest: int) -> Iterator[bytes]:
    """Yield the JSON texts of an array's elements, byte by byte as they stand there."""
    try:
        body.decode()
        yield from json_text.values(body, deepest)
    except UnicodeDecodeError:
        raise BodyUnreadable("the body is not JSON: it is not UTF-8") from None
    except ValueError as error:
        raise BodyUnreadable(f"the body is not a JSON array: {error}") from None


_lines = re.compile(rb"\S[^\n]*").finditer
