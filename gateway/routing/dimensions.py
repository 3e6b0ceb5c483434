# SPDX-License-Identifier: Apache-2.0
"""The attributes by which the index can part entries, and what parting by each would cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gateway.routing.branches import (
    Branch,
    HeadBranch,
    HeaderBranch,
    HostBranch,
    IndexNode,
    MethodBranch,
    PathBranch,
    SegmentBranch,
    SniBranch,
)
from gateway.routing.entry import Entry

_NOTHING: frozenset[bytes] = frozenset()
_DUPLICATES = 32
"""An entry that would stand under more tokens than this is kept apart instead."""
_STEP = 0.2
"""What one step through sorted prefixes costs, in entries tried."""


@dataclass(frozen=True)
class Grouping:
    """Entries by token, those without one in ``rest``, and how many a request has to try."""

    groups: dict[bytes, list[Entry]]
    rest: list[Entry]
    cost: float


class Dimension:
    """One attribute: ``tokens`` says under which keys an entry stands, None if under none."""

    branch: Callable[[dict[bytes, IndexNode], IndexNode | None], Branch]

    def tokens(self, entry: Entry) -> Iterable[bytes] | None:
        """Return the keys one of which a matching request has."""
        raise NotImplementedError

    def group(
        self, entries: Sequence[Entry], used: frozenset[bytes], *, tls: bool
    ) -> Grouping | None:
        """Part the entries, or return None when this attribute tells nothing about them."""
        groups: dict[bytes, list[Entry]] = {}
        rest: list[Entry] = []
        for entry in entries:
            tokens = self.tokens(entry)
            distinct = None if tokens is None else set(tokens)
            if not distinct or len(distinct) > _DUPLICATES:
                rest.append(entry)
                continue
            for token in distinct:
                groups.setdefault(token, []).append(entry)
        return Grouping(groups, rest, self.cost(groups, len(rest))) if groups else None

    def cost(self, groups: dict[bytes, list[Entry]], rest: int) -> float:
        """Estimate the entries tried by a request that asks for one of the groups at random."""
        sizes = [len(group) for group in groups.values()]
        return rest + sum(size * size for size in sizes) / sum(sizes)

    def spent(self, token: bytes) -> frozenset[bytes]:
        """Header names that need not be branched on again below this token."""
        return _NOTHING


class Methods(Dimension):
    """By method."""

    branch = MethodBranch

    def tokens(self, entry: Entry) -> Iterable[bytes] | None:
        """Return the methods."""
        return entry.methods


class Hosts(Dimension):
    """By host, wildcard forms included, with port where the route names one."""

    branch = HostBranch

    def tokens(self, entry: Entry) -> Iterable[bytes] | None:
        """Return the host values as they stand in the route."""
        return None if entry.hosts is None else entry.hosts.tokens


class Snis(Dimension):
    """By server name; only over TLS."""

    branch = SniBranch

    def tokens(self, entry: Entry) -> Iterable[bytes] | None:
        """Return the server names."""
        return None if entry.snis is None else entry.snis.tokens

    def group(
        self, entries: Sequence[Entry], used: frozenset[bytes], *, tls: bool
    ) -> Grouping | None:
        """Part by server name when there is one."""
        return super().group(entries, used, tls=tls) if tls else None


class Paths(Dimension):
    """By plain path, or by the literal text with which a regex begins."""

    branch = PathBranch

    def tokens(self, entry: Entry) -> Iterable[bytes] | None:
        """Return the prefixes."""
        return _prefixes(entry)

    def cost(self, groups: dict[bytes, list[Entry]], rest: int) -> float:
        """Count also the shorter prefixes, which a request with the longer one has too."""
        total = tried = 0
        chain: list[tuple[bytes, int]] = []
        for token in sorted(groups):
            while chain and not token.startswith(chain[-1][0]):
                chain.pop()
            size = len(groups[token])
            chain.append((token, size + (chain[-1][1] if chain else 0)))
            total += size
            tried += size * chain[-1][1]
        return rest + tried / total + _STEP * len(groups).bit_length()


class Heads(Dimension):
    """By the first bytes of the path, where nine in ten entries have as many: one look-up.

    Sorted prefixes need a look-up of as many steps as their number has bits, each in another place
    of memory; that is felt with thousands of them.
    """

    branch = HeadBranch

    def group(
        self, entries: Sequence[Entry], used: frozenset[bytes], *, tls: bool
    ) -> Grouping | None:
        """Part by heads of a length that most entries have; shorter ones are kept apart."""
        prefixes = [_prefixes(entry) for entry in entries]
        lengths = sorted(min(map(len, found)) for found in prefixes if found)
        if not lengths or not lengths[len(lengths) // 10]:
            return None
        length = lengths[len(lengths) // 10]
        groups: dict[bytes, list[Entry]] = {}
        rest: list[Entry] = []
        for entry, found in zip(entries, prefixes, strict=True):
            if not found or min(map(len, found)) < length:
                rest.append(entry)
                continue
            for token in {prefix[:length] for prefix in found}:
                groups.setdefault(token, []).append(entry)
        return Grouping(groups, rest, self.cost(groups, len(rest)))


class Segments(Dimension):
    """By a whole segment that a regex demands: the rarest one of each regex."""

    branch = SegmentBranch

    def tokens(self, entry: Entry) -> Iterable[bytes] | None:
        """Return all segments; ``group`` picks from them."""
        return None

    def group(
        self, entries: Sequence[Entry], used: frozenset[bytes], *, tls: bool
    ) -> Grouping | None:
        """Part by one segment per regex; a regex without any keeps its entry apart."""
        if not entries[0].patterns:
            return None
        counts = Counter(
            segment for entry in entries for found in entry.literals for segment in found.segments
        )
        groups: dict[bytes, list[Entry]] = {}
        rest: list[Entry] = []
        for entry in entries:
            if not all(found.segments for found in entry.literals):
                rest.append(entry)
                continue
            for token in {min(f.segments, key=lambda s: (counts[s], s)) for f in entry.literals}:
                groups.setdefault(token, []).append(entry)
        return Grouping(groups, rest, self.cost(groups, len(rest))) if groups else None


class Headers(Dimension):
    """By one header of each entry, the one whose values are rarest: ``name=value``."""

    branch = HeaderBranch

    def tokens(self, entry: Entry) -> Iterable[bytes] | None:
        """Return nothing; ``group`` picks the header."""
        return None

    def group(
        self, entries: Sequence[Entry], used: frozenset[bytes], *, tls: bool
    ) -> Grouping | None:
        """Part by a header that no branch above has used; one with a regex counts as present."""
        counts = Counter(
            token
            for entry in entries
            for header in entry.headers
            if header.name not in used
            for token in header.tokens
        )
        groups: dict[bytes, list[Entry]] = {}
        rest: list[Entry] = []
        for entry in entries:
            open_headers = [header for header in entry.headers if header.name not in used]
            if not open_headers:
                rest.append(entry)
                continue
            rarest = min(open_headers, key=lambda header: sum(counts[t] for t in header.tokens))
            for token in rarest.tokens:
                groups.setdefault(token, []).append(entry)
        return Grouping(groups, rest, self.cost(groups, len(rest))) if groups else None

    def spent(self, token: bytes) -> frozenset[bytes]:
        """Return the header's name."""
        return frozenset((token.partition(b"=")[0],))


def _prefixes(entry: Entry) -> Sequence[bytes]:
    return entry.plain or [found.prefix for found in entry.literals]


DIMENSIONS: tuple[Dimension, ...] = (
    Heads(),
    Paths(),
    Hosts(),
    Methods(),
    Headers(),
    Snis(),
    Segments(),
)
