# SPDX-License-Identifier: Apache-2.0
"""Changes of a request's headers, in the order remove, rename, replace, add, append."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.http import changes
from gateway.http.headers import FORWARDING, Headers, spellings
from gateway.http.messages import Request
from gateway.plugins.transformations.entries import split
from gateway.plugins.transformations.templates import Rendering, Templates, Value

_HOST = b"host"
_FRAMING = frozenset(
    b"connection content-length keep-alive proxy-connection te trailer transfer-encoding "
    b"upgrade".split()
)
"""Between two hops only (RFC 9110 section 7.6.1), or what says how long a body is."""
_KEPT = _FRAMING | FORWARDING | {_HOST}


class HeaderChanges:
    """The changes of one configuration.

    Left alone, as they are made anew for the upstream: framing, hop-by-hop headers and
    X-Forwarded-*; Host can be replaced, and nothing else.
    """

    def __init__(self, config: Any, templates: Templates) -> None:
        self._removed = (
            frozenset(
                spelling
                for entry in config.remove.headers
                for spelling in spellings(_lower(split(entry)[0]))
            )
            - _KEPT
        )
        self._renamed = [split(entry) for entry in config.rename.headers]
        self._replaced = _pairs(config.replace.headers, templates)
        self._added = _pairs(config.add.headers, templates)
        self._appended = _pairs(config.append.headers, templates)
        self.any = bool(
            self._removed or self._renamed or self._replaced or self._added or self._appended
        )

    def apply(self, request: Request, rendering: Rendering) -> None:
        """Change a request's headers."""
        headers = request.headers
        spelled = dict(request.spelled or {})
        own: set[bytes] = set()
        if self._removed:
            headers = [pair for pair in headers if pair[0] not in self._removed]
        for old, new in self._renamed:
            headers = _rename(headers, old, new, spelled, own)
        host: bytes | None = None
        for name, _, value in self._replaced:
            made = changes.as_value(value(rendering))
            if name == _HOST:
                host = made
            elif name not in _KEPT:
                headers = _replace(headers, name, made, own)
        for name, shown, value in self._added:
            made = changes.as_value(value(rendering))
            if name not in _KEPT and not _has(headers, name):
                headers = [*headers, (name, made)]
                spelled[name] = shown
                own.add(name)
        for name, shown, value in self._appended:
            made = changes.as_value(value(rendering))
            if name not in _KEPT:
                headers = [*headers, (name, made)]
                spelled[name] = shown
                own.add(name)
        request.headers = headers
        request.own_headers |= own
        if spelled:
            request.spelled = spelled
        if host:
            changes.set_host(request, host)


def _pairs(entries: Sequence[str], templates: Templates) -> list[tuple[bytes, bytes, Value]]:
    """Return lower-case name, name as it is written, and value of each entry."""
    split_ = [split(entry) for entry in entries]
    return [(_lower(name), name.encode(), templates.value(value)) for name, value in split_]


def _rename(
    headers: Headers, old: str, new: str, spelled: dict[bytes, bytes], own: set[bytes]
) -> Headers:
    before, after = _lower(old), _lower(new)
    if before in _KEPT or after in _KEPT or not _has(headers, before):
        return headers
    spelled[after] = new.encode()
    own.add(after)
    if before == after:
        return headers
    kept = [pair for pair in headers if pair[0] != after]
    return [(after, value) if name == before else (name, value) for name, value in kept]


def _replace(headers: Headers, name: bytes, value: bytes, own: set[bytes]) -> Headers:
    """Put one value in the place of all of a header's."""
    if not _has(headers, name):
        return headers
    own.add(name)
    found: Headers = []
    done = False
    for pair in headers:
        if pair[0] != name:
            found.append(pair)
        elif not done:
            done = True
            found.append((name, value))
    return found


def _has(headers: Headers, name: bytes) -> bool:
    return any(found == name for found, _ in headers)


def _lower(name: str) -> bytes:
    return name.lower().encode()
