# SPDX-License-Identifier: Apache-2.0
"""Changes and releases as the command line shows them: in colours on a terminal, else plain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from gateway.commands.lines import line
from gateway.control_plane.page.changes import EntityChange, FieldChange
from gateway.entities import ENTITIES

_SIGNS = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}
_LONGEST = 160
"""Characters of a value on a line."""


def console() -> Console:
    """Return what writes to the terminal; colours only there, and not with NO_COLOR."""
    return Console(highlight=False, soft_wrap=True)


def show_changes(changes: Sequence[EntityChange], out: Console) -> None:
    """Print changes, an entity a line and its fields below, and how many there are."""
    for change in changes:
        sign, colour = _SIGNS[change.kind]
        words = [f"{sign} {_singular(change)}", change.name]
        if change.within:
            words.append(f"({change.within})")
        out.print(Text(line(" ".join(words)), style=colour))
        for field in change.fields:
            out.print(_field(change, field))
    out.print(summary(changes))


def summary(changes: Iterable[EntityChange]) -> str:
    """Return how many entities come, change and go: ``1 added, 2 removed``."""
    counts = counted(changes)
    return ", ".join(f"{n} {kind}" for kind, n in counts.items() if n) or "no difference"


def counted(changes: Iterable[EntityChange]) -> dict[str, int]:
    """Return how many entities come, change and go."""
    kinds = [change.kind for change in changes]
    return {kind: kinds.count(kind) for kind in ("added", "changed", "removed")}


def as_json(changes: Sequence[EntityChange], **more: Any) -> dict[str, Any]:
    """Return changes for programs: ``changes`` and ``summary``, and what else is given."""
    return {"changes": [asdict(one) for one in changes], "summary": counted(changes), **more}


def show_warnings(release: Mapping[str, Any], errors: Console) -> None:
    """Print what is right in a release and yet does not do what it seems to, and who lacks it."""
    for text in release.get("warnings") or ():
        errors.print(Text(line(f"warning: {text}")))
    for plane in release.get("data_planes") or ():
        if plane["status"] != "confirmed":
            why = f": {plane['error']}" if plane["error"] else ""
            text = f"warning: data plane {plane['hostname']} ({plane['id']}): {plane['status']}"
            errors.print(Text(line(text + why)))


def show_table(head: Sequence[str], rows: Iterable[Sequence[str]], out: Console) -> None:
    """Print rows in columns as wide as their widest cell."""
    table = [tuple(head), *(tuple(map(line, row)) for row in rows)]
    widths = [max(len(cells[place]) for cells in table) for place in range(len(head))]
    for one in table:
        cells = (cell.ljust(width) for cell, width in zip(one, widths, strict=True))
        out.print(Text("  ".join(cells).rstrip()))


def _field(change: EntityChange, field: FieldChange) -> Text:
    before, after = _value(field.before), _value(field.after)
    if change.kind == "changed":
        text = Text(f"    {field.path}: ")
        text.append(before, "red").append(" -> ").append(after, "green")
        return text
    return Text(f"    {field.path}: {after if field.before is None else before}")


def _value(text: str | None) -> str:
    if text is None:
        return "null"
    text = line(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _singular(change: EntityChange) -> str:
    return ENTITIES[change.collection].singular
