# SPDX-License-Identifier: Apache-2.0
"""Changes of a response's headers; each looks at what was there before any of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.http import changes
from gateway.http.headers import Headers
from gateway.plugins.transformations.entries import split
from gateway.plugins.transformations.statuses import Statuses

_FRAMING = frozenset(
    b"connection content-length date keep-alive te trailer transfer-encoding upgrade".split()
)
"""The server's business."""

_Pairs = list[tuple[bytes, bytes, bytes]]


class ResponseHeaderChanges:
    """The changes of one configuration; ``if_status`` of its parts limits them."""

    def __init__(self, config: Any) -> None:
        removed = [split(entry)[0] for entry in config.remove.headers]
        self._removed = frozenset(name.lower().encode() for name in removed)
        self._renamed = [split(entry) for entry in config.rename.headers]
        self._replaced = _pairs(config.replace.headers)
        self._added = _pairs(config.add.headers)
        self._appended = _pairs(config.append.headers)
        self._limits: dict[str, Statuses] = {
            part: Statuses(getattr(getattr(config, part), "if_status", ()))
            for part in ("remove", "rename", "replace", "add", "append")
        }
        self.any = bool(
            self._removed or self._renamed or self._replaced or self._added or self._appended
        )

    def apply(self, headers: Headers, status: int) -> Headers:
        """Return the headers as they are to be."""
        before = headers
        present = {name.lower() for name, _ in before}
        wanted = self._limits
        if status in wanted["remove"]:
            gone = self._removed - _FRAMING
            headers = [pair for pair in headers if pair[0].lower() not in gone]
        if status in wanted["rename"]:
            for old, new in self._renamed:
                headers = _rename(headers, before, old, new)
        if status in wanted["replace"]:
            for name, shown, value in self._replaced:
                if name in present and name not in _FRAMING:
                    headers = [pair for pair in headers if pair[0].lower() != name]
                    headers.append((shown, value))
        if status in wanted["add"]:
            for name, shown, value in self._added:
                if name not in present and name not in _FRAMING:
                    headers = [pair for pair in headers if pair[0].lower() != name]
                    headers.append((shown, value))
        if status in wanted["append"]:
            kept = [one for one in self._appended if one[0] not in _FRAMING]
            headers = [*headers, *((shown, value) for _, shown, value in kept)]
        return headers


def _pairs(entries: Sequence[str]) -> _Pairs:
    found = [split(entry) for entry in entries]
    return [
        (name.lower().encode(), name.encode(), changes.as_value(value.encode()))
        for name, value in found
    ]


def _rename(headers: Headers, before: Headers, old: str, new: str) -> Headers:
    source, target = old.lower().encode(), new.lower().encode()
    values = [value for name, value in before if name.lower() == source]
    if not values or source in _FRAMING or target in _FRAMING:
        return headers
    kept = [pair for pair in headers if pair[0].lower() not in (source, target)]
    return kept + [(new.encode(), value) for value in values]
