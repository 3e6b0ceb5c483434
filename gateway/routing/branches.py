# SPDX-License-Identifier: Apache-2.0
"""The nodes of the index: what a request is led through to the entries worth trying.

Every node has ``find(subject, limit)``: the matching entry of lowest rank below ``limit``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Protocol

from gateway.routing.conditions import Subject, name_tokens
from gateway.routing.entry import Entry
from gateway.routing.regex import PatternSet


class IndexNode(Protocol):
    """An entry, a leaf or a branch."""

    first: int
    """The lowest rank below this node."""

    def find(self, subject: Subject, limit: int) -> Entry | None:
        """Return the matching entry of lowest rank, if that is below ``limit``."""
        ...


class Leaf:
    """A few entries, tried in order."""

    __slots__ = ("_entries", "first")

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = tuple(entries)
        self.first = entries[0].rank

    def find(self, subject: Subject, limit: int) -> Entry | None:
        """Return the first entry that matches."""
        for entry in self._entries:
            if entry.rank >= limit:
                return None
            if entry.find(subject, limit) is not None:
                return entry
        return None


class RegexLeaf:
    """Many entries with path regexes that nothing else tells apart: all regexes run as one."""

    __slots__ = ("_owners", "_patterns", "first")

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._owners = tuple(entry for entry in entries for _ in entry.patterns)
        self._patterns = PatternSet(
            [pattern.source for entry in entries for pattern in entry.patterns]
        )
        self.first = entries[0].rank

    def find(self, subject: Subject, limit: int) -> Entry | None:
        """Return the first entry that matches, of those whose regex does."""
        for number in self._patterns.matching(subject.path):
            entry = self._owners[number]
            if entry.rank >= limit:
                return None
            if entry.find(subject, limit) is not None:
                return entry
        return None


class Branch:
    """Children by token, and the entries that have none."""

    __slots__ = ("_children", "_rest", "first")

    def __init__(self, children: dict[bytes, IndexNode], rest: IndexNode | None) -> None:
        self._children = children
        self._rest = rest
        self.first = min(child.first for child in (*children.values(), *((rest,) if rest else ())))

    def find(self, subject: Subject, limit: int) -> Entry | None:
        """Look under the request's tokens, then at the rest."""
        best: Entry | None = None
        children = self._children
        for token in self._tokens(subject):
            child = children.get(token)
            if child is not None and child.first < limit:
                found = child.find(subject, limit)
                if found is not None:
                    best, limit = found, found.rank
        rest = self._rest
        if rest is not None and rest.first < limit:
            return rest.find(subject, limit) or best
        return best

    def _tokens(self, subject: Subject) -> Sequence[bytes]:
        raise NotImplementedError


class MethodBranch(Branch):
    """By method."""

    __slots__ = ()

    def _tokens(self, subject: Subject) -> Sequence[bytes]:
        return (subject.method,)


class HostBranch(Branch):
    """By host: the name itself and its wildcard forms, each also with the port."""

    __slots__ = ("_leftmost", "_ports", "_rightmost")

    def __init__(self, children: dict[bytes, IndexNode], rest: IndexNode | None) -> None:
        super().__init__(children, rest)
        self._leftmost = any(token[:1] == b"*" for token in children)
        self._rightmost = any(b"*" in token[1:] for token in children)
        self._ports = any(token.rpartition(b":")[2].isdigit() for token in children)

    def _tokens(self, subject: Subject) -> Sequence[bytes]:
        host = subject.host
        if host is None:
            return ()
        if not (self._leftmost or self._rightmost):
            tokens = [host]
        else:
            tokens = name_tokens(host, leftmost=self._leftmost, rightmost=self._rightmost)
        if self._ports:
            tokens += [b"%b:%d" % (token, subject.port) for token in tokens]
        return tokens


class SniBranch(Branch):
    """By server name, wildcard forms included."""

    __slots__ = ()

    def _tokens(self, subject: Subject) -> Sequence[bytes]:
        if subject.sni is None:
            return ()
        return name_tokens(subject.sni, leftmost=True, rightmost=True)


class HeaderBranch(Branch):
    """By ``name=value`` of the tested headers; ``name`` alone where a regex decides."""

    __slots__ = ()

    def _tokens(self, subject: Subject) -> Sequence[bytes]:
        tokens: list[bytes] = []
        for name, values in subject.headers.items():
            tokens.append(name)
            tokens.extend(b"%b=%b" % (name, value) for value in values)
        return tokens


class SegmentBranch(Branch):
    """By segments of the path."""

    __slots__ = ()

    def _tokens(self, subject: Subject) -> Sequence[bytes]:
        return list(dict.fromkeys(subject.path.split(b"/")))


class HeadBranch(Branch):
    """By the first bytes of the path, as many as every token has."""

    __slots__ = ("_length",)

    def __init__(self, children: dict[bytes, IndexNode], rest: IndexNode | None) -> None:
        super().__init__(children, rest)
        self._length = len(next(iter(children)))

    def find(self, subject: Subject, limit: int) -> Entry | None:
        """Look under the head, then at the rest."""
        child = self._children.get(subject.path[: self._length])
        best = None
        if child is not None and child.first < limit:
            best = child.find(subject, limit)
            if best is not None:
                limit = best.rank
        rest = self._rest
        if rest is not None and rest.first < limit:
            return rest.find(subject, limit) or best
        return best


class PathBranch(Branch):
    """By prefix of the path: the longest first, then those that it begins with.

    All stored prefixes of a path are found from its neighbour in sorted order: the greatest key
    that is not greater than the path begins with each of them.
    """

    __slots__ = ("_keys", "_nodes", "_parents")

    def __init__(self, children: dict[bytes, IndexNode], rest: IndexNode | None) -> None:
        super().__init__(children, rest)
        self._keys = sorted(children)
        self._nodes = [children[key] for key in self._keys]
        self._parents = _parents(self._keys)
        self._children = {}

    def find(self, subject: Subject, limit: int) -> Entry | None:
        """Look under each prefix of the path, then at the rest."""
        best: Entry | None = None
        path, keys = subject.path, self._keys
        at = bisect_right(keys, path) - 1
        while at >= 0 and not path.startswith(keys[at]):
            at = self._parents[at]
        while at >= 0:
            child = self._nodes[at]
            if child.first < limit:
                found = child.find(subject, limit)
                if found is not None:
                    best, limit = found, found.rank
            at = self._parents[at]
        rest = self._rest
        if rest is not None and rest.first < limit:
            return rest.find(subject, limit) or best
        return best


def _parents(keys: Sequence[bytes]) -> list[int]:
    """For sorted keys, the position of the longest other key each begins with, or -1."""
    parents: list[int] = []
    chain: list[int] = []
    for at, key in enumerate(keys):
        while chain and not key.startswith(keys[chain[-1]]):
            chain.pop()
        parents.append(chain[-1] if chain else -1)
        chain.append(at)
    return parents
