# SPDX-License-Identifier: Apache-2.0
"""The changes that transformers make of JSON bodies, of requests and of responses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from gateway.plugins.transformations.json_objects import (
    FALSE_OR_NULL,
    JsonObject,
    Path,
    appended,
    is_set,
    typed,
)

Unset = tuple[bytes, ...]
"""JSON texts of values that count as absent."""


class JsonPair(NamedTuple):
    """A place and the value for it; ``kind``: one of ``json_types``."""

    path: Path
    value: Callable[[], bytes]
    kind: str | None

    def text(self) -> bytes | None:
        """Return the JSON text of the value; None where it is none of its kind."""
        return typed(self.value().decode("utf-8", "replace"), self.kind)


def replace(body: JsonObject, pairs: Iterable[JsonPair], unset: Unset = FALSE_OR_NULL) -> None:
    """Put values in the place of those that are set."""
    for pair in pairs:
        text = pair.text()
        if text is not None:
            body.edit(pair.path, partial(_in_place, text, unset))


def add(body: JsonObject, pairs: Iterable[JsonPair], unset: Unset = FALSE_OR_NULL) -> None:
    """Set values where none is set."""
    for pair in pairs:
        text = pair.text()
        if text is not None:
            body.edit(pair.path, partial(_where_missing, text, unset))


def append(body: JsonObject, pairs: Iterable[JsonPair]) -> None:
    """Make lists of what is there and the values."""
    for pair in pairs:
        text = pair.text()
        if text is not None:
            body.edit(pair.path, partial(_at_the_end, text))


def remove(body: JsonObject, paths: Iterable[Path]) -> None:
    """Remove what stands at the paths."""
    for path in paths:
        body.edit(path, lambda _: None)


def rename(body: JsonObject, pairs: Iterable[tuple[Path, Path]]) -> None:
    """Move values to other names, in the place of what is there; a path has the same parents."""
    for old, new in pairs:
        found = body.find(old)
        if found is not None and old != new:
            body.edit(old, lambda _: None)
            body.edit(new, partial(_instead, found))


def allow(body: JsonObject, names: Sequence[str]) -> None:
    """Remove every member of the object that is not named."""
    for name in body.names():
        if name not in names:
            body.edit((name,), lambda _: None)


def _in_place(new: bytes, unset: Unset, old: bytes | None) -> bytes | None:
    return new if is_set(old, unset) else old


def _where_missing(new: bytes, unset: Unset, old: bytes | None) -> bytes | None:
    return old if is_set(old, unset) else new


def _at_the_end(new: bytes, old: bytes | None) -> bytes | None:
    return appended(old, new)


def _instead(new: bytes, _: bytes | None) -> bytes | None:
    return new
