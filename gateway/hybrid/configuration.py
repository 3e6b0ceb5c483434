# SPDX-License-Identifier: Apache-2.0
"""What the control plane sends to data planes: table, hash and payload (hybrid.md §4 and §5)."""

from __future__ import annotations

import gzip
import hashlib
import time
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.entities import Row
from gateway.entities.checks import Table
from gateway.entities.own_tags import without_own_tags

ZERO_HASH = "0" * 32
"""Stands for "nothing there": of an absent part, and of a data plane without configuration."""

WORKSPACE = "0dc6f45b-8f8d-40d2-a504-473544ee190b"
"""Id of the default workspace, the one Kong's own declarative configurations have."""

_PARTS = ("routes", "services", "plugins", "upstreams", "targets")
_HEADER = ("_format_version", "_transform", "workspaces")
_BUFFER = 1_000_000
"""Over so many bytes the text so far is replaced by its binary digest, as Kong does."""


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


def config_table(table: Table) -> dict[str, Any]:
    """Return the configuration as data planes get it.

    Without disabled services, what hangs on them, disabled plugins, and the gateway's own tags;
    rows sorted by id, so that equal configurations have equal hashes; with the default workspace,
    which every row points to. Collections without rows are absent.
    """
    result: dict[str, Any] = {"_format_version": "3.0", "_transform": False}
    dropped = {row["id"] for row in table.get("services", ()) if row.get("enabled") is False}
    gone = dropped | {row["id"] for row in table.get("routes", ()) if row["service"] in dropped}
    for collection, rows in sorted(table.items()):
        kept = [
            {**without_own_tags(row), "ws_id": WORKSPACE}
            for row in rows
            if _is_sent(collection, row, gone)
        ]
        if kept:
            result[collection] = sorted(kept, key=lambda row: str(row["id"]))
    result["workspaces"] = [{"id": WORKSPACE, "name": "default"}]
    return result


def _is_sent(collection: str, row: Row, gone: set[str]) -> bool:
    if row["id"] in gone:
        return False
    if collection == "plugins":
        on_gone = row.get("route") in gone or row.get("service") in gone
        return row.get("enabled") is not False and not on_gone
    return True


def is_empty(sent: Mapping[str, Any]) -> bool:
    """Tell whether a configuration as data planes get it has no entities."""
    return not any(value for name, value in sent.items() if name not in _HEADER)


def reconfigure_payload(sent: Mapping[str, Any], hashes: Mapping[str, str] | None = None) -> bytes:
    """Return the gzipped JSON message that makes a data plane take over a ``config_table``.

    An empty configuration keeps its own hash here, where Kong reports zeros: otherwise a data
    plane that took it over could not be told from one that has none. ``hashes`` are those of
    ``config_hash`` when they are known already.
    """
    parts = config_hash(sent)[1] if hashes is None else hashes
    message = {
        "type": "reconfigure",
        "timestamp": time.time(),
        "config_table": sent,
        "config_hash": parts["config"],
        "hashes": parts,
    }
    return gzip.compress(orjson.dumps(message), 6)
