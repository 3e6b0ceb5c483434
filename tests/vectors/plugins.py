# SPDX-License-Identifier: Apache-2.0
"""Vectors of plugin precedence and order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.plugins.precedence import PluginTable, execution_order

_PARTS = ("route", "service", "consumer")


def replay_plugin_lookup(document: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Put a configuration of every scope that the vectors name into one table, look each up."""
    vectors = document["plugin_lookup"]
    table = PluginTable([_configuration(vector["uses"]) for vector in vectors], {})
    for vector in vectors:
        has = vector["request_has"].split("+")
        found = table.lookup("vector", *(part if part in has else None for part in _PARTS))
        used = None if found is None else found["uses"]
        problem = None if used == vector["uses"] else f"uses {used}, not {vector['uses']}"
        yield vector["request_has"], problem


def _configuration(uses: str) -> dict[str, Any]:
    scope = uses.partition(":")[2].strip().split("+")
    parts = {part: part if part in scope else None for part in _PARTS}
    return {"name": "vector", "enabled": True, "uses": uses, **parts}


def replay_plugin_order(document: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Sort the names of each list, given backwards."""
    for number, expected in enumerate(document["plugin_order"], 1):
        found = execution_order(reversed(expected))
        yield str(number), None if found == expected else f"the order is {found}"
