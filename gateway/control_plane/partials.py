# SPDX-License-Identifier: Apache-2.0
"""Single writes of plugins with partials, and of partials: Kong's page "Partials" (3.10).

A link may name its partial; the settings that it stands for may not be said beside it. A partial
that would be wrong for a plugin which is linked to it is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.control_plane.ownership import dangling
from gateway.control_plane.rows import Rows, indexed
from gateway.entities import ENTITIES, Row
from gateway.entities.checks import Table, row_label
from gateway.entities.expansion import by_id, expanded, expansion_problems
from gateway.entities.partial_links import FIELD, linked_ids, links_of, with_paths, without_records
from gateway.entities.plugin_types import plugin_types
from gateway.entities.problems import kong_fields
from gateway.entities.validation import shape_for
from gateway.errors import SchemaViolation

Partials = Mapping[str, Row]
"""Partials by id."""


def with_ids(table: Table, links: Iterable[Any]) -> list[Any]:
    """Return a plugin's links with the ids of partials that are named.

    What is no link stays, to be refused. Raises ``ReferenceViolation``.
    """
    named = {row["name"]: row["id"] for row in table.get("partials", ()) if row["name"]}
    result: list[Any] = []
    for link in links:
        if isinstance(link, Mapping) and link.get("id") is None and link.get("name") in named:
            link = {**link, "id": named[link["name"]]}
        elif isinstance(link, Mapping) and link.get("id") is None and link.get("name") is not None:
            raise dangling(FIELD, "partials", {"name": link["name"]})
        result.append(link)
    return result


def without_linked(before: Row, data: Mapping[str, Any]) -> Row:
    """Return a stored plugin without the settings that links stand for which it gets by a PATCH."""
    plugin = plugin_types().get(before["name"])
    links = links_of(data)
    if plugin is None or not links:
        return before
    paths = [link["path"] for link in with_paths(links, plugin.schema)]
    known = [path for path in paths if isinstance(path, str) and path.startswith("config.")]
    return {**before, "config": without_records(before["config"], known, plugin.schema)}


def check_partials(table: Table, collection: str, row: Row) -> None:
    """Check a written plugin with its partials, or a partial with its plugins.

    What they refer to is there. Raises ``SchemaViolation``.
    """
    if collection == "plugins" and row.get(FIELD):
        problems = expansion_problems(row, partials_of(table, [row]))
        if problems:
            fields = kong_fields(problems, shape_for(ENTITIES["plugins"], row))
            raise SchemaViolation(fields, "plugins", [one.sentence() for one in problems])
    if collection == "partials":
        texts = [text for plugin in linked(table, row["id"]) for text in _wrong(table, plugin, row)]
        if texts:
            raise SchemaViolation({"@entity": texts}, "partials", texts)


def _wrong(table: Table, plugin: Row, partial: Row) -> list[str]:
    partials = partials_of(table, [plugin]) | {partial["id"]: partial}
    label = row_label(ENTITIES["plugins"], plugin)
    return [one.sentence(label) for one in expansion_problems(plugin, partials)]


def linked(table: Table, partial: str) -> list[Row]:
    """Return the plugins that are linked to a partial, by its id."""
    rows: Rows = indexed("plugins", table.get("plugins", ()))
    return list(rows.children.get((FIELD, partial), ()))


def partials_of(table: Table, plugins: Iterable[Row]) -> dict[str, Row]:
    """Return the partials that plugins are linked to, by id."""
    rows: Rows = indexed("partials", table.get("partials", ()))
    ids = {one for plugin in plugins for one in linked_ids(plugin)}
    return by_id(row for one in ids if (row := rows.find("id", one)) is not None)


def with_partials(table: Table, row: Row | None) -> Row | None:
    """Return an entity with the partials that it is linked to in place of its links."""
    if row is None or not links_of(row):
        return row
    return {**row, FIELD: list(partials_of(table, [row]).values())}


def show_links(table: Table, row: Row, *, whole: bool) -> dict[str, Any]:
    """Return a plugin with the names of its partials beside their ids.

    ``whole`` puts what they say into its settings.
    """
    if not row.get(FIELD):
        return row
    partials = partials_of(table, [row])
    shown = expanded(row, partials) if whole else row
    names = {one: partials[one]["name"] for one in partials}
    return {**shown, FIELD: [_named(link, names.get(link["id"])) for link in row[FIELD]]}


def _named(link: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    shown = {"id": link["id"], "name": name, "path": link["path"]}
    return {key: value for key, value in shown.items() if value is not None}
