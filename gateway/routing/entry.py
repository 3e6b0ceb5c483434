# SPDX-License-Identifier: Apache-2.0
"""Route rows as the router holds them: split by path kind and length, with a place in the order.

The order is that of Kong's default router: 64 bits of priority, and the greater UUID on a tie.
A route whose paths differ in kind or length counts as several, whose UUIDs are derived.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any
from uuid import UUID, uuid5

from gateway.routing.conditions import (
    HeaderCondition,
    HostCondition,
    SniCondition,
    Subject,
    header_condition,
)
from gateway.routing.literals import Literals, literals
from gateway.routing.regex import Pattern

SPLIT_NAMESPACE = UUID("7f145bf9-0dce-4f91-98eb-debbce4b9f6b")
"""Ids of split routes are UUIDv5 of ``<route id>#<n>`` in it, n from 1 in order of appearance."""

_HTTP_PROTOCOLS = frozenset(("http", "https", "grpc", "grpcs"))
_ATTRIBUTES = ("sources", "destinations", "methods", "hosts", "headers", "snis", "paths")


class Destination:
    """Where a route leads: its row, its service's row, and what the snapshot attaches to it."""

    __slots__ = ("base", "checks_protocol", "data", "route", "service", "strip")

    def __init__(self, row: Mapping[str, Any], data: Any) -> None:
        self.route = row
        self.service: Mapping[str, Any] | None = row.get("service")
        self.data = data
        self.base = ((self.service or {}).get("path") or "/").encode()
        self.strip = row.get("strip_path") is not False
        self.checks_protocol = "http" not in (row.get("protocols") or ("http",))


class Entry:
    """One matchable (part of a) route; as a node of the index, a leaf with nothing but itself.

    ``rank`` is its place in the order, 0 before all others. ``plain`` holds its plain paths, all
    of one ``length``; ``patterns`` its path regexes; never both.
    """

    __slots__ = (
        "_prefix",
        "destination",
        "first",
        "headers",
        "hosts",
        "length",
        "literals",
        "methods",
        "patterns",
        "plain",
        "rank",
        "snis",
    )

    def __init__(self, destination: Destination, paths: Sequence[str]) -> None:
        row = destination.route
        self.destination = destination
        self.rank = self.first = 0
        methods = row.get("methods")
        self.methods = frozenset(method.encode() for method in methods) if methods else None
        self.hosts = HostCondition(row["hosts"]) if row.get("hosts") else None
        self.snis = SniCondition(row["snis"]) if row.get("snis") else None
        headers = row.get("headers") or {}
        self.headers: tuple[HeaderCondition, ...] = tuple(
            header_condition(name, values) for name, values in headers.items()
        )
        regex = bool(paths) and paths[0][0] == "~"
        self.plain = () if regex else tuple(path.encode() for path in paths)
        self.length = len(self.plain[0]) if self.plain else 0
        # One path, as most routes have, is tested without the tuple around it.
        self._prefix = self.plain[0] if len(self.plain) == 1 else self.plain
        self.patterns = tuple(Pattern(path[1:]) for path in paths) if regex else ()
        self.literals: tuple[Literals, ...] = (
            tuple(literals(path[1:]) for path in paths) if regex else ()
        )

    def find(self, subject: Subject, limit: int) -> Entry | None:
        """Return itself when all attributes fit; a path regex leaves its spans in the subject."""
        if self.methods is not None and subject.method not in self.methods:
            return None
        if self.hosts is not None and not self.hosts.matches(subject.host, subject.port):
            return None
        if self.snis is not None and subject.tls and not self.snis.matches(subject.sni):
            return None
        for header in self.headers:
            if not header.matches(subject.headers):
                return None
        if self._prefix:
            return self if subject.path.startswith(self._prefix) else None
        return self if not self.patterns or self._matches_regex(subject) else None

    def _matches_regex(self, subject: Subject) -> bool:
        for pattern in self.patterns:
            spans = pattern.spans(subject.path)
            if spans is not None:
                subject.pattern = pattern
                subject.spans = spans
                return True
        return False

    def conditions(self) -> tuple[object, ...]:
        """What is tested, as a key: of two entries with the same, the second never matches."""
        return (
            self.methods,
            None if self.hosts is None else frozenset(self.hosts.tokens),
            None if self.snis is None else frozenset(self.snis.tokens),
            frozenset((header.name, header.values, header.regexes) for header in self.headers),
            self.plain,
            tuple(pattern.source for pattern in self.patterns),
        )


def entries(rows: Sequence[Mapping[str, Any]], data: Mapping[str, Any]) -> list[Entry]:
    """Turn route rows into entries in matching order.

    Left out: routes of disabled services, stream routes, and routes that test nothing.
    """
    found: list[tuple[tuple[int, int, int], Entry]] = []
    for row in rows:
        service = row.get("service")
        if service is not None and service.get("enabled") is False:
            continue
        if row.get("protocols") and _HTTP_PROTOCOLS.isdisjoint(row["protocols"]):
            continue
        if not any(row.get(name) for name in _ATTRIBUTES):
            continue
        destination = Destination(row, data.get(row["id"]))
        for identity, paths in split(row["id"], row):
            found.append((_order(row, identity, paths), Entry(destination, paths)))
    found.sort(key=itemgetter(0), reverse=True)
    for rank, (_, entry) in enumerate(found):
        entry.rank = entry.first = rank
    return [entry for _, entry in found]


def split(identity: str, row: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Group a route's paths: all regexes, and the plain ones by length; each with its id."""
    groups: dict[int, list[str]] = {}
    for path in row.get("paths") or ():
        groups.setdefault(-1 if path[0] == "~" else len(path.encode()), []).append(path)
    if len(groups) < 2:
        return [(identity, list(row.get("paths") or ()))]
    return [
        (str(uuid5(SPLIT_NAMESPACE, f"{identity}#{number}")), paths)
        for number, paths in enumerate(groups.values(), 1)
    ]


def priority(row: Mapping[str, Any], paths: Sequence[str]) -> int:
    """Pack the 64 bits by which routes are ordered, for one group of a route's paths."""
    present = sum(1 for name in _ATTRIBUTES if row.get(name))
    hosts = row.get("hosts")
    names = {name.lower() for name in row.get("headers") or ()}
    packed = min(present, 7) << 61 | min(len(names), 255) << 52
    if hosts and not any("*" in host for host in hosts):
        packed |= 1 << 60
    if not paths:
        return packed
    if paths[0][0] == "~":
        # Kong lets a negative regex_priority run over into the bits above; here it counts as 0
        # and then loses against 0.
        wanted = max(0, min(int(row.get("regex_priority") or 0), 0xFFFFFFFF))
        return packed | 1 << 51 | wanted << 19
    return packed | len(paths[0].encode()) & 0x7FFFF


def _order(row: Mapping[str, Any], identity: str, paths: Sequence[str]) -> tuple[int, int, int]:
    below_zero = min(int(row.get("regex_priority") or 0), 0) if paths and paths[0][0] == "~" else 0
    return priority(row, paths), below_zero, _uuid_number(identity)


def _uuid_number(identity: str) -> int:
    try:
        return int(identity.replace("-", ""), 16)
    except ValueError:
        return uuid5(SPLIT_NAMESPACE, identity).int
