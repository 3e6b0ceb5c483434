# SPDX-License-Identifier: Apache-2.0
"""Finding the first matching entry without trying them all.

Entries are first parted by which attributes they test. Each part is a decision tree: a branch
looks up what the request has in one attribute (its host, the prefixes of its path, …) and goes on
with the few entries that ask for that; a leaf tries its entries in order. A branch never decides
alone: leaves test every attribute again, so the tree can only be slow, not wrong.

Since entries are ranked once for all, a subtree whose first rank is behind an entry that already
matched is not visited.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.routing.branches import Branch, IndexNode, Leaf, RegexLeaf
from gateway.routing.conditions import Subject
from gateway.routing.dimensions import DIMENSIONS, Dimension, Grouping
from gateway.routing.entry import Entry

_SMALL = 4
"""Entries that a leaf tries one by one rather than branching further."""
_WORTHWHILE = 0.6
"""A branch must leave less than this share of its entries to be tried."""
_DEEPEST = 12


class Index:
    """Entries, and the way to the first that matches. Immutable once made."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._over_tls = _parts(entries, tls=True)
        by_sni = any(entry.snis is not None for entry in entries)
        # Without TLS every server name is satisfied, so that attribute leads nowhere there.
        self._in_clear = _parts(entries, tls=False) if by_sni else self._over_tls

    def find(self, subject: Subject) -> Entry | None:
        """Return the entry of lowest rank that matches."""
        best: Entry | None = None
        limit = 1 << 62
        for part in self._over_tls if subject.tls else self._in_clear:
            if part.first >= limit:
                break
            found = part.find(subject, limit)
            if found is not None:
                best, limit = found, found.rank
        return best


def _parts(entries: Sequence[Entry], *, tls: bool) -> tuple[IndexNode, ...]:
    parts: dict[tuple[bool, ...], list[Entry]] = {}
    for entry in _distinct(entries):
        parts.setdefault(_shape(entry, tls=tls), []).append(entry)
    return tuple(sorted((_grown(part, tls, frozenset(), 0) for part in parts.values()), key=_first))


def _first(node: IndexNode) -> int:
    return node.first


def _distinct(entries: Sequence[Entry]) -> list[Entry]:
    """Drop entries that a better one with the same conditions always hides."""
    found: dict[tuple[object, ...], Entry] = {}
    for entry in entries:
        found.setdefault(entry.conditions(), entry)
    return list(found.values())


def _shape(entry: Entry, *, tls: bool) -> tuple[bool, ...]:
    return (
        entry.methods is not None,
        entry.hosts is not None,
        bool(entry.headers),
        tls and entry.snis is not None,
        bool(entry.plain),
        bool(entry.patterns),
    )


def _grown(entries: list[Entry], tls: bool, used: frozenset[bytes], depth: int) -> IndexNode:
    """Build the tree for entries in order of rank; ``used`` are header names branched on."""
    if len(entries) == 1:
        return entries[0]
    if len(entries) <= _SMALL or depth == _DEEPEST:
        return Leaf(entries)
    best: tuple[float, Dimension, Grouping] | None = None
    for dimension in DIMENSIONS:
        grouping = dimension.group(entries, used, tls=tls)
        if grouping is not None and (best is None or grouping.cost < best[0]):
            best = (grouping.cost, dimension, grouping)
    if best is None or best[0] > _WORTHWHILE * len(entries):
        return RegexLeaf(entries) if entries[0].patterns else Leaf(entries)
    _, dimension, grouping = best
    children: dict[bytes, IndexNode] = {
        token: _grown(group, tls, used | dimension.spent(token), depth + 1)
        for token, group in grouping.groups.items()
    }
    rest = _grown(grouping.rest, tls, used, depth + 1) if grouping.rest else None
    make: Callable[[dict[bytes, IndexNode], IndexNode | None], Branch] = dimension.branch
    return make(children, rest)
