# SPDX-License-Identifier: Apache-2.0
"""Custom fields of log entries, and where they go: ``a.b``, ``a\\.b``, ``a[1].b``."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, NamedTuple

Path = tuple[str | int, ...]
"""Names in objects, and places in lists from 0."""

MODES = ("set", "add", "replace")


class CustomField(NamedTuple):
    """A value and where it goes; see ``put``."""

    path: Path
    value: Any
    mode: str = "set"


_SEGMENT = re.compile(r"((?:\\.|[^.\\\[\]])+)((?:\[\d{1,9}\])*)")
_PLACE = re.compile(r"\[(\d+)\]")
_LARGEST = 1000
"""Places in lists up to this one: an empty one before it costs memory, too."""


_LONGEST_PATH, _DEEPEST_VALUE = 100, 150
"""Parts of a path and levels of a value: together they are fewer than the 254 that orjson writes,
and whatever a field is put into, it is no deeper than both."""
TOO_DEEP = f"a value of a log field is plain, with {_DEEPEST_VALUE} levels of tables at most"
_PLAIN = (dict, list, str, int, float, bool, type(None))


class PathProblem(ValueError):
    """A path that leads nowhere."""


def is_loggable(value: Any) -> bool:
    """Tell whether a value can be written wherever a path leads: plain, and not nested too deep."""
    level = [value]
    for _ in range(_DEEPEST_VALUE + 1):
        if not all(isinstance(one, _PLAIN) for one in level):
            return False
        members = [one for one in level if isinstance(one, dict | list)]
        if not members:
            return True
        level = [
            part for one in members for part in (one.values() if isinstance(one, dict) else one)
        ]
    return False


def parse_path(text: str) -> Path:
    """Return a path's parts; raises ``PathProblem``."""
    parts: list[str | int] = []
    at = 0
    while True:
        found = _SEGMENT.match(text, at)
        if found is None:
            raise PathProblem(f"the field path '{text}' has no name at character {at + 1}")
        parts.append(re.sub(r"\\(.)", r"\1", found[1]))
        for place in map(int, _PLACE.findall(found[2])):
            if not 1 <= place <= _LARGEST:
                raise PathProblem(f"the field path '{text}' has a place not in 1 to {_LARGEST}")
            parts.append(place - 1)
        if len(parts) > _LONGEST_PATH:
            raise PathProblem(f"the field path '{text[:40]}…' has over {_LONGEST_PATH} parts")
        at = found.end()
        if at == len(text):
            return tuple(parts)
        if text[at] != ".":
            raise PathProblem(f"the field path '{text}' is wrong at character {at + 1}")
        at += 1


def put(entry: dict[str, Any], path: Path, value: Any, mode: str = "set") -> None:
    """Set the value at a path, with all that leads there; None removes what is there.

    ``mode`` ``add``: only where there is none; ``replace``: only where there is one.

    Raises ``PathProblem`` where it leads through what is neither object nor list.
    """
    target: Any = entry
    for part, following in pairwise(path):
        found = _get(target, part)
        if found is None:
            if value is None or mode == "replace":
                return
            found = [] if isinstance(following, int) else {}
            _set(target, part, found)
        target = found
    if mode != "set" and (_get(target, path[-1]) is None) != (mode == "add"):
        return
    _set(target, path[-1], value)


def _get(target: Any, part: str | int) -> Any:
    if isinstance(part, int) and isinstance(target, list):
        return target[part] if part < len(target) else None
    if isinstance(part, str) and isinstance(target, dict):
        return target.get(part)
    raise _through(part)


def _set(target: Any, part: str | int, value: Any) -> None:
    if isinstance(part, int) and isinstance(target, list):
        if part >= len(target):
            if value is None:
                return
            target.extend([None] * (part + 1 - len(target)))
        target[part] = value
    elif isinstance(part, str) and isinstance(target, dict):
        if value is None:
            target.pop(part, None)
        else:
            target[part] = value
    else:
        raise _through(part)


def _through(part: str | int) -> PathProblem:
    shown = f"[{part + 1}]" if isinstance(part, int) else f"'{part}'"
    return PathProblem(f"{shown} cannot be set: a value before it is no table")
