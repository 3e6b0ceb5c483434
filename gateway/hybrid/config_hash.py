# SPDX-License-Identifier: Apache-2.0
"""The hash of a configuration, as Kong 3.10 computes it (``kong/clustering/config_helper.lua``)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

ZERO_HASH = "0" * 32
"""Stands for "nothing there": of an absent part, and of a data plane without configuration."""

_PARTS = ("routes", "services", "plugins", "upstreams", "targets")
_BUFFER = 1_000_000
"""Over so many bytes the text so far is replaced by its binary digest, as Kong does."""


class HashedRow(dict[str, Any]):
    """A row that is hashed again and again, and keeps its text. It must not be changed."""

    @cached_property
    def text(self) -> str:
        """The row's sorted text."""
        return _text(dict(self))


_HASH = re.compile(r"[0-9a-f]{32}")


def is_hash(given: Any) -> bool:
    """Tell whether something that the other end has sent is the hash of a configuration."""
    return isinstance(given, str) and _HASH.fullmatch(given) is not None


def config_hash(table: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the hash of a configuration and the hashes of its parts, 32 hex characters each.

    The algorithm is Kong's. The parts are routes, services, plugins, upstreams and targets, and
    ``config`` for the whole; absent parts are ``ZERO_HASH``.
    """
    parts = {name: _digest(table[name]) if name in table else ZERO_HASH for name in _PARTS}
    rest = _digest({name: value for name, value in table.items() if name not in parts})
    whole = hashlib.md5("".join([*parts.values(), rest]).encode(), usedforsecurity=False)
    digest = whole.hexdigest()
    return digest, {"config": digest, **parts}


def _digest(value: Any) -> str:
    text = _Text()
    text.put(value)
    return hashlib.md5(text.joined(), usedforsecurity=False).hexdigest()


class _Text:
    """The sorted text of a value, with a bound on what is kept of it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._length = 0

    def joined(self) -> bytes:
        return b"".join(self._pieces)

    def put(self, value: Any) -> None:
        if self._length > _BUFFER:
            self._pieces = [hashlib.md5(self.joined(), usedforsecurity=False).digest()]
            self._length = len(self._pieces[0])
        if isinstance(value, (list, tuple)) and value:
            for position, item in enumerate(value):
                self._put_item(item)
                if len(value) > 5 or position < len(value) - 1:
                    self._add(b";")
        elif isinstance(value, Mapping) and value:
            for key in sorted(value):  # code points and UTF-8 bytes sort alike
                self._add(key.encode() + b":")
                self.put(value[key])
                self._add(b";")
        else:
            self._add(_text(value).encode())

    def _put_item(self, value: Any) -> None:
        """Put one list item: at once where the bound cannot be met within it."""
        text = _text(value).encode()
        if self._length + len(text) <= _BUFFER:
            self._add(text)
        else:
            self.put(value)

    def _add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._length += len(piece)


def _text(value: Any) -> str:
    """Return the sorted text of a value as a whole."""
    kind = type(value)
    if kind is HashedRow:
        return str(value.text)
    if kind is str:
        return str(value)
    if value is None:
        return "/null/"
    if kind is bool:
        return "true" if value else "false"
    if kind is int or kind is float:
        return str(value) if kind is int and abs(value) < 10**14 else f"{value:.14g}"
    if not value:
        return "{}"
    if kind is dict:
        return "".join([f"{key}:{_text(value[key])};" for key in sorted(value)])
    text = ";".join([_text(item) for item in value])
    return f"{text};" if len(value) > 5 else text
