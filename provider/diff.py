# SPDX-License-Identifier: Apache-2.0
"""Differences by property, each at its path, as the engine's display shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from gateway.names.property_paths import PropertyPath, render_path

Kind = Literal["add", "update", "delete"]


@dataclass(frozen=True)
class PropertyChange:
    """One property that differs.

    ``recorded`` says where the engine takes the old value from: the recorded inputs (an edit of
    the program), or the recorded outputs (the world differs from what was recorded).
    """

    path: str
    kind: Kind = "update"
    replace: bool = False
    recorded: bool = True


def compare(old: Any, new: Any, path: PropertyPath = ()) -> dict[PropertyPath, Kind]:
    """Return each leaf that differs between two plain values; null and missing are the same.

    Lists of one length are compared item by item, others differ as a whole.
    """
    if old == new:
        return {}
    if old is None:
        return {path: "add"}
    if new is None:
        return {path: "delete"}
    changes: dict[PropertyPath, Kind] = {}
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
) -> list[PropertyChange]:
    """The edits from ``old`` to ``new`` inputs.

    An edit below a property of ``replacing`` makes a new resource; those below ``ignoring``
    mean nothing.
    """
    replaced, ignored = frozenset(replacing), frozenset(ignoring)
    return [
        PropertyChange(render_path(path), kind, replace=path[0] in replaced)
        for path, kind in compare(old, new).items()
        if path[0] not in ignored
    ]
