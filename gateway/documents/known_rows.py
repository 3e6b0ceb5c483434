# SPDX-License-Identifier: Apache-2.0
"""Rows of the document that was read last, for the next one, most of which is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.entities import EntityType, Row
from gateway.entities.credentials import store_secret
from gateway.entities.problems import Problem
from gateway.entities.validation import examine
from gateway.settings.compatibility import version_in_force

_TIMES = ("created_at", "updated_at")


class KnownRows:
    """What was checked once, by what it was made of.

    Only what is right is kept, and only of the last document that was right as a whole; call
    ``finish`` after each. Rows are kept as JSON, so that no two documents share what either might
    change.
    """

    def __init__(self) -> None:
        self._before: dict[bytes, bytes] = {}
        self._now: dict[bytes, bytes] = {}

    def complete(
        self, entity: EntityType, data: Mapping[str, Any]
    ) -> tuple[Row | None, list[Problem]]:
        """Return what ``complete_row`` does. ``data`` is plain, as JSON knows it."""
        try:
            key = _key(entity, data)
        except TypeError:
            # Integers of more than 64 bits.
            return complete_row(entity, data)
        found = self._before.get(key)
        if found is not None:
            row = orjson.loads(found)
            row.update((name, data[name]) for name in _TIMES if name in row)
            self._now[key] = found
            return row, []
        made, problems = complete_row(entity, data)
        if made is not None and not problems:
            self._now[key] = orjson.dumps(made)
        return made, problems

    def finish(self, *, is_right: bool) -> None:
        """Keep the rows of the document that was read, or else those of the one before."""
        if is_right:
            self._before = self._now
        self._now = {}


def complete_row(entity: EntityType, data: Mapping[str, Any]) -> tuple[Row | None, list[Problem]]:
    """Return an entity's row as it is stored, and what is wrong with the data; see ``examine``."""
    row, problems = examine(entity, data)
    if row is not None:
        store_secret(entity.collection, row)
    return row, problems


def _key(entity: EntityType, data: Mapping[str, Any]) -> bytes:
    own = {name: value for name, value in data.items() if name not in _TIMES}
    text = orjson.dumps([version_in_force(), entity.collection, own])
    return hashlib.blake2b(text, digest_size=20).digest()
