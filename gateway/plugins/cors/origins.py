# SPDX-License-Identifier: Apache-2.0
"""Which origins may call, and what they are told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import re2

_literal = re.compile(r"[A-Za-z0-9.:/-]+").fullmatch
_parts = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(\[[^\]]*\]|[^:/]*)(?::(\d+))?/?").fullmatch
_STANDARD = {"http": "80", "https": "443"}


class Allowed(NamedTuple):
    """What a response says about an origin."""

    origin: str | None
    """The value of Access-Control-Allow-Origin; None: no header, also not the upstream's."""
    everyone: bool
    vary: bool
    """The response differs by Origin."""


class Origins:
    """The origins of one configuration; decisions are remembered, in bounded number."""

    def __init__(self, entries: Sequence[str]) -> None:
        self._single: Allowed | None = None
        if not entries or list(entries) == ["*"]:
            self._single = Allowed("*", everyone=True, vary=False)
        elif len(entries) == 1 and _literal(entries[0]):
            self._single = Allowed(entries[0], everyone=False, vary=True)
        self._entries = [_OriginRule(text) for text in entries]
        self._decide = lru_cache(maxsize=1024)(self._decided)

    def allow(self, origin: str | None) -> Allowed:
        """Return what is said to a request with this Origin."""
        return self._single or self._decide(origin or None)

    def _decided(self, origin: str | None) -> Allowed:
        if origin is not None and len(origin) <= _LONGEST:
            found = _parts(origin)
            host = found[2] if found else ""
            normal = _normal(found) if found else origin
            for entry in self._entries:
                if entry.everyone:
                    return Allowed("*", everyone=True, vary=True)
                if entry.matches(normal, host):
                    return Allowed(normal, everyone=False, vary=True)
        return Allowed(None, everyone=False, vary=True)


_LONGEST = 1000


class _OriginRule:
    def __init__(self, text: str) -> None:
        self.everyone = text == "*"
        self._text = text
        self._regex: Any = None
        if not self.everyone and not _literal(text):
            self._regex = re2.compile(text)
        self._by_host = ":" not in text

    def matches(self, origin: str, host: str) -> bool:
        if self._regex is None:
            return origin == self._text
        subject = host if self._by_host else origin
        return bool(subject) and self._regex.fullmatch(subject) is not None


def _normal(found: re.Match[str]) -> str:
    """Return an origin without the port that its scheme has anyway."""
    scheme, host, port = found.groups()
    if port is None or _STANDARD.get(scheme.lower()) == port:
        return f"{scheme}://{host}"
    return f"{scheme}://{host}:{port}"
