# SPDX-License-Identifier: Apache-2.0
"""decK files that are JSON: read without the YAML parser, where nothing is wrong with them."""

from __future__ import annotations

import re
from typing import Any

import orjson

_KEY_END = re.compile(r'"[ \t\r\n]*:')
"""Where a key ends: one match for each key, and maybe some more within texts."""
_LONG_NUMBER = re.compile(r"[0-9]{19}")
"""What orjson may take for a float, since it is no integer of 64 bits."""


def load_json(text: str, deepest: int, most: int) -> dict[str, Any] | None:
    """Return the map of a JSON text (RFC 8259).

    None for anything that needs another look: what is no JSON or no map, a key that may stand
    twice in one map, a number with more digits than 64 bits have, more than ``most`` values or
    more than ``deepest`` levels. The YAML parser then reads it, or says what is wrong and where.
    """
    if not text.lstrip(" \t\r\n").startswith("{") or _LONG_NUMBER.search(text):
        return None
    try:
        found: dict[str, Any] = orjson.loads(text)
    except ValueError:
        return None
    # Of equal keys in one map only the last is left, but each of them ends in the text.
    return found if _keys(found, deepest, most) == len(_KEY_END.findall(text)) else None


def _keys(document: Any, deepest: int, most: int) -> int | None:
    """Return how many keys all maps have together; None for what is too deep or too large."""
    keys, values = 0, 1
    level = [document]
    while level:
        inner: list[Any] = []
        for one in level:
            values += len(one)
            if isinstance(one, dict):
                keys += len(one)
                one = one.values()
            inner += [item for item in one if isinstance(item, (dict, list))]
        deepest -= 1
        if deepest < 0 or values > most:
            return None
        level = inner
    return keys
