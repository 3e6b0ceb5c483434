# SPDX-License-Identifier: Apache-2.0
"""Changes of a query or a form: what is not named stays as it was written, in its order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from gateway.errors import RequestRejected
from gateway.http.arguments import decode_bytes
from gateway.plugins.transformations.entries import split
from gateway.plugins.transformations.templates import Rendering, Templates, Value

_MOST = 10_000
"""Arguments that are looked through."""

Names = Callable[[Any], Sequence[str]]
"""From a part of the configuration (``remove``, …) to the list that is meant."""


class Changes(NamedTuple):
    """The changes of one target, in the order they are made."""

    remove: list[str]
    rename: list[tuple[str, str]]
    replace: list[tuple[str, Value]]
    add: list[tuple[str, Value]]
    append: list[tuple[str, Value]]


def changes_of(config: Any, target: str, templates: Templates) -> Changes | None:
    """Return the changes of ``body`` or ``querystring``; None without any."""

    def pairs(part: Any) -> list[tuple[str, Value]]:
        found = [split(entry) for entry in getattr(part, target)]
        return [(name, templates.value(value)) for name, value in found]

    made = Changes(
        [split(entry)[0] for entry in getattr(config.remove, target)],
        [split(entry) for entry in getattr(config.rename, target)],
        pairs(config.replace),
        pairs(config.add),
        pairs(config.append),
    )
    return made if any(made) else None


class _Pairs:
    """Arguments by decoded name, each as it is written."""

    def __init__(self, encoded: bytes) -> None:
        if encoded.count(b"&") >= _MOST:
            raise RequestRejected(400, f"the request has more than {_MOST} arguments")
        self.pairs = [
            (decode_bytes(pair.partition(b"=")[0]), pair) for pair in encoded.split(b"&") if pair
        ]

    def has(self, name: bytes) -> bool:
        return any(found == name for found, _ in self.pairs)

    def remove(self, name: bytes) -> None:
        self.pairs = [pair for pair in self.pairs if pair[0] != name]

    def rename(self, old: bytes, new: bytes) -> None:
        if old == new or not self.has(old):
            return
        self.remove(new)
        written = quote(new, safe="").encode()
        self.pairs = [
            (new, written + raw[raw.index(b"=") :] if b"=" in raw else written)
            if name == old
            else (name, raw)
            for name, raw in self.pairs
        ]

    def replace(self, name: bytes, value: bytes) -> None:
        found: list[tuple[bytes, bytes]] = []
        done = False
        for pair in self.pairs:
            if pair[0] != name:
                found.append(pair)
            elif not done:
                done = True
                found.append((name, _written(name, value)))
        self.pairs = found

    def append(self, name: bytes, value: bytes) -> None:
        self.pairs.append((name, _written(name, value)))

    def encode(self) -> bytes:
        return b"&".join([raw for _, raw in self.pairs])


def change_arguments(encoded: bytes, made: Changes, rendering: Rendering) -> bytes:
    """Return a query or form with the changes; raises ``RequestRejected``."""
    pairs = _Pairs(encoded)
    for name in made.remove:
        pairs.remove(name.encode())
    for old, new in made.rename:
        pairs.rename(old.encode(), new.encode())
    for name, value in made.replace:
        pairs.replace(name.encode(), value(rendering))
    for name, value in made.add:
        content = value(rendering)
        if not pairs.has(name.encode()):
            pairs.append(name.encode(), content)
    for name, value in made.append:
        pairs.append(name.encode(), value(rendering))
    return pairs.encode()


def _written(name: bytes, value: bytes) -> bytes:
    return f"{quote(name, safe='')}={quote(value, safe='')}".encode()
