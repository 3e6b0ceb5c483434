# SPDX-License-Identifier: Apache-2.0
"""Property paths as text: ``services["a"].routes["b"].paths[0]``, as Pulumi's engine spells them.

Written and read here alone. Names stand behind dots, list positions and keys that are no
identifiers in brackets, the keys as JSON strings; the name of an entity always is such a key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

PropertyPath = tuple[str | int, ...]
"""Field names, map keys and list positions (from 0) down to a value."""

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEY = r'\["(?:[^"\\]|\\.)*"\]'
_STEP = re.compile(rf"(?P<key>{_KEY})|\[(?P<position>\d+)\]|\.?(?P<name>[^.\[\]]+)")
_PROBLEM = re.compile(rf"((?:[\w.-]|\[\d+\]|{_KEY})+): (.*)", re.DOTALL)


def render_path(path: PropertyPath, prefix: str = "") -> str:
    """Write ``path``, which starts at ``prefix``."""
    text = prefix
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _IDENTIFIER.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += _bracketed(step)
    return text


def entity_path(prefix: str, collection: str, key: str) -> str:
    """Extend a path by one entity: ``services["a"]``, ``services["a"].routes["b"]``."""
    return f"{prefix}{'.' if prefix else ''}{collection}{_bracketed(key)}"


def _bracketed(key: str) -> str:
    return f"[{json.dumps(key, ensure_ascii=False)}]"


def parse_path(text: str) -> PropertyPath:
    """Read a path; ValueError when it is none."""
    steps: list[str | int] = []
    place = 0
    while place < len(text):
        match = _STEP.match(text, place)
        if match is None:
            raise ValueError(f"not a property path: {text!r}")
        if match["key"] is not None:
            steps.append(json.loads(match["key"])[0])
        else:
            steps.append(match["name"] or int(match["position"]))
        place = match.end()
    return tuple(steps)


def split_problem(sentence: str) -> tuple[str, str]:
    """Split ``path: text`` into both; the path is empty when the sentence has none."""
    match = _PROBLEM.fullmatch(sentence)
    return (match[1], match[2]) if match is not None else ("", sentence)


def value_at(value: Any, path: PropertyPath) -> Any:
    """Return what stands at ``path`` in a plain value, None when there is nothing."""
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(str(step))
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value
