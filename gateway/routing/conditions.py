# SPDX-License-Identifier: Apache-2.0
"""What a route demands of a request: one small class per attribute, and the request's side of it.

Attributes are ANDed, the values inside one are ORed. Host names, SNIs and header values compare in
lower case; header names also take ``-`` and ``_`` as equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.routing.protocols import split_host_port
from gateway.routing.regex import Pattern


class Subject:
    """The attributes of one request, as routes test them.

    ``path`` is normalised; ``host`` lower-cased and without port; ``port`` that of the Host
    header, else of the listener; ``headers`` holds only tested names, canonical, with lower-cased
    values. ``pattern`` and ``spans`` are left by the path regex that matched last.
    """

    __slots__ = ("headers", "host", "method", "path", "pattern", "port", "sni", "spans", "tls")

    def __init__(
        self,
        method: bytes,
        path: bytes,
        host: bytes | None,
        port: int,
        headers: Mapping[bytes, list[bytes]],
        tls: bool,
        sni: bytes | None,
    ) -> None:
        self.method = method
        self.path = path
        self.host = host
        self.port = port
        self.headers = headers
        self.tls = tls
        self.sni = sni
        self.pattern: Pattern | None = None
        self.spans: Sequence[tuple[int, int]] = ()


class HostCondition:
    """Host values of a route, plain or with one wildcard label, each with or without a port.

    ``tokens`` are their index keys: ``a.b``, ``*.b``, ``a.*``, with ``:port`` where one is given.
    """

    __slots__ = ("_exact", "_patterns", "ports", "tokens")

    def __init__(self, values: Iterable[str]) -> None:
        self.tokens = tuple(dict.fromkeys(value.lower().encode() for value in values))
        self.ports = any(split_host_port(token)[1] is not None for token in self.tokens)
        self._exact = frozenset(token for token in self.tokens if b"*" not in token)
        self._patterns = tuple(split_host_port(token) for token in self.tokens if b"*" in token)

    def matches(self, host: bytes | None, port: int) -> bool:
        """Tell whether one of the values fits the request's host and port."""
        if host is None:
            return False
        if self._exact and (host in self._exact or b"%b:%d" % (host, port) in self._exact):
            return True
        return any(
            (wanted is None or wanted == port) and fits_wildcard(pattern, host)
            for pattern, wanted in self._patterns
        )


class SniCondition:
    """Server names of a route; satisfied without a look when the connection is not TLS."""

    __slots__ = ("_exact", "_patterns", "tokens")

    def __init__(self, values: Iterable[str]) -> None:
        names = (value.lower().removesuffix(".").encode() for value in values)
        self.tokens = tuple(dict.fromkeys(names))
        self._exact = frozenset(token for token in self.tokens if b"*" not in token)
        self._patterns = tuple(token for token in self.tokens if b"*" in token)

    def matches(self, sni: bytes | None) -> bool:
        """Tell whether one of the names fits the one of the TLS handshake."""
        if sni is None:
            return False
        return sni in self._exact or any(fits_wildcard(name, sni) for name in self._patterns)


@dataclass(frozen=True)
class HeaderCondition:
    """One header that must be there with one of some values, or with one that fits a regex."""

    name: bytes
    values: frozenset[bytes]
    regexes: tuple[str, ...]
    patterns: tuple[Pattern, ...]
    tokens: tuple[bytes, ...]
    """Index keys: ``name=value`` for each value, or ``name`` alone when a regex decides."""

    def matches(self, headers: Mapping[bytes, list[bytes]]) -> bool:
        """Tell whether any of the request's values of this header fits."""
        given = headers.get(self.name)
        if given is None:
            return False
        for value in given:
            if value in self.values:
                return True
            for pattern in self.patterns:
                if pattern.spans(value) is not None:
                    return True
        return False


def header_condition(name: str, values: Iterable[str]) -> HeaderCondition:
    """Build a condition; a value that begins with ``~*`` is a regex, lower-cased as Kong does."""
    lowered = [value.lower() for value in values]
    regexes = tuple(value[2:] for value in lowered if value.startswith("~*"))
    canonical = canonical_header(name.lower().encode())
    plain = frozenset(value.encode() for value in lowered if not value.startswith("~*"))
    return HeaderCondition(
        canonical,
        plain,
        regexes,
        tuple(Pattern(regex, anchored=False) for regex in regexes),
        (canonical,) if regexes else tuple(b"%b=%b" % (canonical, value) for value in plain),
    )


def canonical_header(name: bytes) -> bytes:
    """Return the form of a lower-cased header name in which ``_`` and ``-`` are one."""
    return name.replace(b"_", b"-") if b"_" in name else name


def fits_wildcard(pattern: bytes, name: bytes) -> bool:
    """Compare with ``*.a.b`` or ``a.*``; the star stands for at least one character."""
    if pattern[:1] == b"*":
        return len(name) >= len(pattern) and name.endswith(pattern[1:])
    return len(name) >= len(pattern) and name.startswith(pattern[:-1])


def name_tokens(name: bytes, *, leftmost: bool, rightmost: bool) -> list[bytes]:
    """List the index keys that fit a host or server name: itself and its wildcard forms."""
    tokens = [name]
    dot = name.find(b".")
    while dot >= 0:
        if leftmost and dot > 0:
            tokens.append(b"*" + name[dot:])
        if rightmost and dot + 1 < len(name):
            tokens.append(name[: dot + 1] + b"*")
        dot = name.find(b".", dot + 1)
    return tokens
