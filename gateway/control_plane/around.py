# SPDX-License-Identifier: Apache-2.0
"""The part of a configuration that has to do with one plugin."""

from __future__ import annotations

from gateway.control_plane.changes import find
from gateway.control_plane.rows import EVERYWHERE, Rows, indexed
from gateway.entities import Row
from gateway.entities.checks import Table


def around_plugin(table: Table, plugin: Row) -> Table:
    """Return the routes that a plugin is for, all their plugins, and the consumers these name.

    All of the configuration when it is limited to neither a route nor a service.
    """
    if plugin.get("route") is None and plugin.get("service") is None:
        return table
    routes = _routes(table, plugin)
    plugins = indexed("plugins", table.get("plugins", ()))
    found = {row["id"]: row for row in plugins.children.get(EVERYWHERE, ())}
    for route in routes:
        for field, value in (("route", route["id"]), ("service", route.get("service") or "")):
            found |= {row["id"]: row for row in plugins.children.get((field, value), ())}
    names = [(row.get("config") or {}).get("anonymous") for row in found.values()]
    consumers = [find(table, "consumers", name) for name in names if isinstance(name, str) and name]
    result: Table = {
        "routes": routes,
        "plugins": list(found.values()),
        "consumers": [row for row in consumers if row is not None],
    }
    return {**result, "vaults": table.get("vaults", [])}


def _routes(table: Table, plugin: Row) -> list[Row]:
    if plugin.get("route") is not None:
        route = find(table, "routes", plugin["route"])
        return [] if route is None else [route]
    rows: Rows = indexed("routes", table.get("routes", ()))
    return list(rows.children.get(("service", plugin["service"]), ()))
