# SPDX-License-Identifier: Apache-2.0
"""Where a request's records go and with what: topics, keys, record headers; many in one request."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from gateway.errors import RequestRejected
from gateway.http.messages import Headers, Request
from gateway.kafka import arguments
from gateway.kafka.client import Header
from gateway.plugins.kafka_settings import Envelope, RecordHeaders

TOPIC_NOT_ALLOWED = "one or more target topics are not in the allowed topics list"


class Topics:
    """Chooses the topics of a request (kafka-plugins.md §2.8, decision D15)."""

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
    """Finds a record's key (kafka-plugins.md §2.9, decisions D5 and D14)."""

    def __init__(self, config: Envelope) -> None:
        self.argument = config.key_query_arg
        self._header = config.key_header.lower().encode() if config.key_header else None

    def find(self, request: Request, query: arguments.Arguments) -> bytes | None:
        """Return the key; None when there is none, or it is empty."""
        if self.argument:
            found = arguments.first(query, self.argument)
            if found:
                return found.encode()
        return (request.header(self._header) or None) if self._header else None


def record_headers(config: RecordHeaders | None) -> Callable[[Headers], list[Header]] | None:
    """Return what makes record headers of request headers; None when none can come of it.

    The list of the other mode is ignored; names match case-insensitively; what is not renamed
    keeps its lower-case name (kafka-plugins.md §2.12).
    """
    if config is None or not config.forward_http_headers_as_record_headers:
        return None
    everything = config.forward_all_by_default
    listed = config.exclude_headers if everything else config.include_headers
    if not everything and not listed:
        return None
    names = frozenset(name.lower().encode() for name in listed)
    renamed = {old.lower().encode(): new for old, new in config.name_mappings.items()}
    repeated = config.repeated_headers_behavior

    def select(headers: Headers) -> list[Header]:
        chosen = [pair for pair in headers if (pair[0] in names) is not everything]
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


def split_lines(body: bytes) -> list[bytes]:
    """Return the JSON texts of NDJSON, blank lines left out; raises ``RequestRejected`` (400)."""
    found = []
    for number, line in enumerate(body.split(b"\n"), 1):
        text = line.strip()
        if not text:
            continue
        try:
            orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise RequestRejected(400, f"line {number} of the body is not JSON: {error}") from None
        found.append(text)
    return found


def split_array(body: bytes) -> list[bytes]:
    """Return the elements' JSON texts, byte by byte; raises ``RequestRejected`` (400)."""
    try:
        whole = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestRejected(400, f"the body is not JSON: {error}") from None
    if not isinstance(whole, list):
        raise RequestRejected(400, "the body is not a JSON array")
    text, found = body.decode(), []
    place = _skip(text, 0) + 1
    for _ in whole:
        place = _skip(text, place)
        _, end = _SCANNER.raw_decode(text, place)
        found.append(text[place:end].encode())
        place = _skip(text, end) + 1
    return found


def _number(text: str) -> Any:
    return None


# Only the ends of elements are wanted, so numbers need not be made.
_SCANNER = json.JSONDecoder(parse_float=_number, parse_int=_number)


def _skip(text: str, place: int) -> int:
    while text[place] in " \t\r\n":
        place += 1
    return place
