# SPDX-License-Identifier: Apache-2.0
"""Entities as log entries show them: as they are configured, without what is not set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.entities import ENTITIES

_MOST = 4096
"""Texts that are kept: those of the routes, services and consumers in use."""
_POINTERS = frozenset(name for kind in ENTITIES.values() for name in kind.foreign)
_texts: dict[str, tuple[Mapping[str, Any], bytes]] = {}


def entity_text(row: Mapping[str, Any]) -> bytes:
    """Return a row as JSON, with ``{"id": …}`` for what it points to; made once for each row.

    A row is never changed: a configuration that differs has rows of its own.
    """
    key = row["id"]
    kept = _texts.get(key)
    if kept is not None and kept[0] is row:
        return kept[1]
    text = orjson.dumps({name: _shown(name, row[name]) for name in row if row[name] is not None})
    if len(_texts) >= _MOST:
        _texts.clear()
    _texts[key] = row, text
    return text


def _shown(name: str, value: Any) -> Any:
    if name in _POINTERS:
        # A route of the router has its service's row.
        return {"id": value["id"] if isinstance(value, Mapping) else value}
    return value
