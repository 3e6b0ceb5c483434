# SPDX-License-Identifier: Apache-2.0
"""In which order the plugins of a chain run, and what that order leaves undone.

Kong's priorities hold, but for a chain in which a plugin writes records. There that plugin responds
to every request, so a gate, a cache or a tracer of a lower priority would never run: those whose
types say so (``before_produce``) run before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

from gateway.entities.plugin_types import PluginType

Place = tuple[int, str]
"""Priority and name: the greater runs first."""

Row = Mapping[str, Any]


def in_order(rows: Iterable[Row], types: Mapping[str, PluginType]) -> list[tuple[Place, Row]]:
    """Return the plugins of one chain with their places, as they run."""
    chosen = [(types[row["name"]], row) for row in rows]
    produced = any(kind.produces for kind, _ in chosen)
    placed = [((kind.priority_in(produced), kind.name), row) for kind, row in chosen]
    return sorted(placed, key=itemgetter(0), reverse=True)
