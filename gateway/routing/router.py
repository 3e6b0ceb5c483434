# SPDX-License-Identifier: Apache-2.0
"""The router: from a request to its route, service and upstream path.

A router is immutable and belongs to one snapshot. It keeps what it found for the attributes
that any route tests, since most traffic repeats itself; the matches themselves are shared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gateway.routing.conditions import Subject, canonical_header
from gateway.routing.entry import Destination, Entry, entries
from gateway.routing.index import Index
from gateway.routing.normalise import hides_dots, is_text, may_hide_dots, normalise
from gateway.routing.protocols import split_host_port
from gateway.routing.upstream_path import upstream_path

if TYPE_CHECKING:
    from gateway.http.messages import Request

_REMEMBERED = 8192
"""Matches kept per generation; two generations are looked at."""
_LONGEST_REMEMBERED = 256
"""Bytes of a path above which a match is not kept, to bound the memory an attacker can fill."""
_HOSTS = 1024
"""Host values kept split into name and port."""
_UNKNOWN: Any = object()


class Match:
    """The route that serves a request; shared between requests, so never written to.

    ``route`` and ``service`` are flat rows (``service`` None: 503), ``data`` what the snapshot
    attached to the route. ``prefix`` is the part of the path that is stripped, None when nothing
    is. ``checks_protocol`` says that ``protocol_mismatch`` must be asked.
    """

    __slots__ = (
        "_captures",
        "_pattern",
        "_spans",
        "_upstream_path",
        "checks_protocol",
        "data",
        "entry",
        "path",
    )

    def __init__(self, entry: Entry, path: bytes, subject: Subject) -> None:
        # What every request asks for is kept here: with thousands of routes each object on the
        # way to it is one that the processor does not have at hand.
        destination = entry.destination
        self.data: Any = destination.data
        self.checks_protocol = destination.checks_protocol
        self.entry = entry
        self.path = path
        self._pattern = subject.pattern if entry.patterns else None
        self._spans = subject.spans
        self._upstream_path: bytes | None = None
        self._captures: dict[str, bytes | None] | None = None

    @property
    def route(self) -> Mapping[str, Any]:
        """The route's flat row."""
        return self.entry.destination.route

    @property
    def service(self) -> Mapping[str, Any] | None:
        """The service's flat row."""
        return self.entry.destination.service

    @property
    def prefix(self) -> bytes | None:
        """The part of the path that is stripped."""
        return self._matched() if self.entry.destination.strip else None

    def _matched(self) -> bytes | None:
        if self._pattern is not None:
            return self.path[: self._spans[0][1]]
        return self.path[: self.entry.length] if self.entry.plain else None

    @property
    def upstream_path(self) -> bytes:
        """The path for the upstream, escaped, without query."""
        if self._upstream_path is None:
            destination = self.entry.destination
            self._upstream_path = upstream_path(
                destination.base, self.path, self.prefix, strip=destination.strip
            )
        return self._upstream_path

    @property
    def captures(self) -> dict[str, bytes | None]:
        """Groups of the path regex by number ("1", "2", …) and name; empty without groups."""
        if self._captures is None:
            pattern = self._pattern
            self._captures = (
                pattern.captures(self.path, self._spans)
                if pattern is not None and pattern.groups
                else {}
            )
        return self._captures


_NOTHING = Subject(b"", b"", None, 0, {}, False, None)
REFUSED = Match(Entry(Destination({}, None), ()), b"", _NOTHING)
"""Stands for no route: an upstream would find another path in it than the router does."""


class Router:
    """All routes of a snapshot.

    ``routes`` are flat route rows with the service's row under ``service`` (None without one);
    ``data`` maps route ids to whatever a match shall carry. ``hidden_dots``: paths in which an
    upstream may find dot segments that are none here are routed as well. Raises ``ReleaseRefused``
    for a regex that validation should have refused.
    """

    def __init__(
        self,
        routes: Sequence[Mapping[str, Any]],
        data: Mapping[str, Any] | None = None,
        *,
        hidden_dots: bool = False,
    ) -> None:
        self._hidden_dots = hidden_dots
        found = entries(routes, data or {})
        self._index = Index(found)
        self._names = frozenset(header.name for entry in found for header in entry.headers)
        self._by_sni = any(entry.snis is not None for entry in found)
        self._by_port = any(entry.hosts is not None and entry.hosts.ports for entry in found)
        self._simple = not (self._names or self._by_sni or self._by_port)
        self._hosts: dict[bytes, tuple[bytes, int | None]] = {}
        self._recent: dict[Any, Match | None] = {}
        self._older: dict[Any, Match | None] = {}

    def match(self, request: Request) -> Match | None:
        """Find the request's route; None where there is none, or the path hides dot segments."""
        found = self.look_up(request)
        return None if found is REFUSED else found

    def look_up(self, request: Request) -> Match | None:
        """Find the request's route: None means 404, ``REFUSED`` that the path hides dot segments.

        What is found is remembered.
        """
        key = (request.method, request.host, request.path) if self._simple else self._key(request)
        match = self._recent.get(key, _UNKNOWN)
        if match is not _UNKNOWN:
            return match  # type: ignore[no-any-return]
        match = self._older.get(key, _UNKNOWN)
        if match is _UNKNOWN:
            match = self.find(self.subject(request))
            if match is None and self.refuses(request):
                match = REFUSED
        if len(request.path) <= _LONGEST_REMEMBERED:
            if len(self._recent) >= _REMEMBERED:
                self._older, self._recent = self._recent, {}
            self._recent[key] = match
        return match  # type: ignore[no-any-return]

    def subject(self, request: Request) -> Subject:
        """Collect what routes test of a request."""
        host, port = None, None
        if request.host is not None:
            parts = self._hosts.get(request.host)
            host, port = parts or self._split_host(request.host)
        connection = request.connection
        tls = connection.scheme == "https"
        sni = connection.sni if tls and self._by_sni else None
        return Subject(
            request.method,
            normalise(request.path),
            host,
            connection.server_port if port is None else port,
            self._tested_headers(request) if self._names else {},
            tls,
            None if sni is None else sni.lower().removesuffix(".").encode(),
        )

    def _split_host(self, value: bytes) -> tuple[bytes, int | None]:
        if len(self._hosts) >= _HOSTS:
            self._hosts.clear()
        parts = self._hosts[value] = split_host_port(value)
        return parts

    def find(self, subject: Subject) -> Match | None:
        """Find the route for attributes that are normalised already, without remembering."""
        path = subject.path
        if not is_text(path):
            return None
        looked_through = not self._hidden_dots and may_hide_dots(path)
        if looked_through and hides_dots(path):
            return None
        entry = self._index.find(subject)
        if entry is None:
            return None
        match = Match(entry, path, subject)
        # "/pub..%2Fx" has no dot segment until "/pub" is stripped.
        return None if looked_through and hides_dots(match.upstream_path) else match

    def refuses(self, request: Request) -> bool:
        """Tell whether a request without a match is one whose path hides dot segments."""
        # What a path could hide stands in it as it came: normalising adds none of it.
        if self._hidden_dots or not may_hide_dots(request.path):
            return False
        subject = self.subject(request)
        path = subject.path
        if not may_hide_dots(path) or not is_text(path):
            return False
        if hides_dots(path):
            return True
        return self._index.find(subject) is not None

    def _key(self, request: Request) -> tuple[object, ...]:
        connection = request.connection
        return (
            request.method,
            request.host,
            request.path,
            connection.server_port if self._by_port else 0,
            connection.scheme if self._by_sni else "",
            connection.sni if self._by_sni else None,
            *(self._header_key(request) if self._names else ()),
        )

    def _header_key(self, request: Request) -> list[tuple[bytes, bytes]]:
        names = self._names
        return [
            header
            for header in request.headers
            # The common case is spelled out: this runs for every header of every request.
            if (header[0] if b"_" not in header[0] else canonical_header(header[0])) in names
        ]

    def _tested_headers(self, request: Request) -> dict[bytes, list[bytes]]:
        tested: dict[bytes, list[bytes]] = {}
        for name, value in self._header_key(request):
            tested.setdefault(canonical_header(name), []).append(value.lower())
        return tested
