# SPDX-License-Identifier: Apache-2.0
"""Plugins with what their partials say, as data planes get them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.entities.partial import linkable
from gateway.entities.partial_links import FIELD, with_record
from gateway.entities.plugin import PLUGINS
from gateway.entities.plugin_types import plugin_type
from gateway.entities.problems import Problem
from gateway.entities.validation import Row, examine


def expanded(row: Row, partials: Mapping[str, Row]) -> Row:
    """Return a stored plugin with the settings of its partials, and without its links.

    ``partials`` are rows by id; the plugin must be right with them (``expansion_problems``).
    """
    if not row.get(FIELD):
        return row
    found, problems = _examined(row, partials)
    if found is None:
        texts = "; ".join(problem.sentence() for problem in problems)
        raise ValueError(f"plugin {row['id']} is not right with its partials: {texts}")
    return found


def expansion_problems(row: Row, partials: Mapping[str, Row]) -> list[Problem]:
    """Return what is wrong with a stored plugin and its partials together."""
    kinds = linkable(plugin_type(row["name"]).schema)
    problems = [
        Problem((FIELD, place, "path"), _misfit(partials[link["id"]], link["path"], kinds))
        for place, link in enumerate(row.get(FIELD) or ())
        if partials[link["id"]]["type"] != kinds[link["path"]]
    ]
    return problems or _examined(row, partials)[1]


def by_id(rows: Iterable[Row]) -> dict[str, Row]:
    """Return rows by id."""
    return {row["id"]: row for row in rows}


def _misfit(partial: Row, path: str, kinds: Mapping[str, str]) -> str:
    name = partial["name"] or partial["id"]
    return f'"{name}" is of type {partial["type"]}; {path} takes {kinds[path]}'


def _examined(row: Row, partials: Mapping[str, Row]) -> tuple[Row | None, list[Problem]]:
    whole = {name: value for name, value in row.items() if name != FIELD}
    for link in row.get(FIELD) or ():
        record = partials[link["id"]]["config"]
        whole["config"] = with_record(whole["config"], link["path"], record)
    return examine(PLUGINS, whole)
