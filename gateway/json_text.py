# SPDX-License-Identifier: Apache-2.0
"""JSON of others that is written again, in a header or in a log."""

from __future__ import annotations

from typing import Any

import orjson

_DEEPEST = 250
"""Levels that orjson writes; it reads four times as many."""


def read_json(text: bytes) -> Any:
    """Return the value of JSON; raises ``ValueError`` for none, and for one too deep to write."""
    value = orjson.loads(text)
    if text.count(b"{") + text.count(b"[") > _DEEPEST:
        try:
            orjson.dumps(value)
        except TypeError:
            raise ValueError("nested too deeply") from None
    return value
