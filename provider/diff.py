# SPDX-License-Identifier: Apache-2.0
"""Differences by property, under their names: paths, comparison, and what Diff answers.

Paths are spelt as the engine parses them (``ports.proxy``, ``document.services["a"].host``,
``command[2]``), so that its display puts each change under its own names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from provider.values import Path

Kind = Literal["add", "update", "delete"]

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_STEP = re.compile(r'\.?([A-Za-z_][A-Za-z0-9_-]*)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')


@dataclass(frozen=True)
class Change:
    """One property that differs.

    ``recorded`` says where the engine takes the old value from: the recorded inputs (an edit of
    the program), or the recorded outputs (the world differs from what was recorded).
    """

    path: str
    kind: Kind = "update"
    replace: bool = False
    recorded: bool = True


def format_path(path: Path) -> str:
    """Spell ``path`` for the engine: names that are no identifiers stand in brackets."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _IDENTIFIER.match(step):
            text += f".{step}" if text else step
        else:
            quoted = step.replace("\\", "\\\\").replace('"', '\\"')
            text += f'["{quoted}"]'
    return text


def parse_path(text: str) -> Path:
    """Read a path as ``format_path`` or a document's problems spell it; ValueError if neither."""
    steps: list[str | int] = []
    place = 0
    while place < len(text):
        found = _STEP.match(text, place)
        if found is None:
            raise ValueError(f"not a property path: {text!r}")
        name, position, quoted = found.groups()
        if position is not None:
            steps.append(int(position))
        else:
            steps.append(name if name is not None else re.sub(r"\\(.)", r"\1", quoted))
        place = found.end()
    return tuple(steps)


def compare(old: Any, new: Any, path: Path = ()) -> dict[Path, Kind]:
    """Return each leaf that differs between two plain values; null and missing are the same.

    Lists of one length are compared item by item, others differ as a whole.
    """
    if old == new:
        return {}
    if old is None:
        return {path: "add"}
    if new is None:
        return {path: "delete"}
    changes: dict[Path, Kind] = {}
    if isinstance(old, dict) and isinstance(new, dict):
        for name in [*old, *(name for name in new if name not in old)]:
            changes.update(compare(old.get(name), new.get(name), (*path, name)))
        return changes
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for place, (before, after) in enumerate(zip(old, new, strict=True)):
            changes.update(compare(before, after, (*path, place)))
        return changes
    return {path: "update"}


def changes_between(
    old: dict[str, Any],
    new: dict[str, Any],
    replacing: Iterable[str] = (),
    ignoring: Iterable[str] = (),
) -> list[Change]:
    """The edits from ``old`` to ``new`` inputs.

    An edit below a property of ``replacing`` makes a new resource; those below ``ignoring``
    mean nothing.
    """
    replaced, ignored = frozenset(replacing), frozenset(ignoring)
    return [
        Change(format_path(path), kind, replace=path[0] in replaced)
        for path, kind in compare(old, new).items()
        if path[0] not in ignored
    ]
