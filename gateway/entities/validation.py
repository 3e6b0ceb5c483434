# SPDX-License-Identifier: Apache-2.0
"""Check one entity and fill in its defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from gateway.entities.base import EntityType, StrictModel
from gateway.entities.condition import EXEMPT
from gateway.entities.partial import PARTIAL_KINDS
from gateway.entities.partial_links import (
    FIELD,
    link_problems,
    links_of,
    with_paths,
    with_stand_ins,
    without_records,
)
from gateway.entities.plugin import Plugin
from gateway.entities.plugin_types import PluginType, plugin_types, unknown_plugin
from gateway.entities.problems import Problem, kong_fields, problems_of
from gateway.entities.sets import without_repeats
from gateway.entities.shape import Shape, shape_of
from gateway.entities.vault_kinds import VAULT_KINDS
from gateway.errors import SchemaViolation
from gateway.settings.compatibility import version_in_force

Row = dict[str, Any]
"""A flat entity: every field present, nulls kept, foreign keys as id strings."""


def examine(entity: EntityType, data: Any) -> tuple[Row | None, list[Problem]]:
    """Return the row and no problems, or None and everything that is wrong with the data."""
    if not isinstance(data, Mapping):
        return None, [Problem((), "expected a record")]
    if entity.collection == "plugins":
        return _examine_plugin(entity, data)
    kind = _own_kind(entity, data)
    if kind is not None:
        return _examine_config(entity, data, kind)
    row, problems = _validate(entity.model, data)
    return row, problems


def validate(entity: EntityType, data: Mapping[str, Any]) -> Row:
    """Return the complete row; raises ``SchemaViolation`` in Kong's shape with all problems."""
    row, problems = examine(entity, data)
    if row is None:
        sentences = [problem.sentence() for problem in problems]
        fields = kong_fields(problems, shape_for(entity, data))
        raise SchemaViolation(fields, entity.collection, sentences)
    return row


def _validate(model: type[BaseModel], data: Any) -> tuple[Row | None, list[Problem]]:
    data = without_repeats(model, data)
    try:
        return model.model_validate(data).model_dump(), []
    except ValidationError as error:
        return None, _with_conditions(problems_of(error, model), model, data)


def _with_conditions(problems: list[Problem], model: type[BaseModel], data: Any) -> list[Problem]:
    """Add what is wrong between fields, which pydantic leaves out when one is wrong in itself."""
    if not isinstance(data, Mapping) or not issubclass(model, StrictModel):
        return problems
    if any(problem.whole and not problem.location for problem in problems):
        return problems  # it came so far
    checks, fields = model.conditions(data)
    # What must not be there at all is not asked for its form.
    found = [Problem((name,), text, input=data.get(name)) for name, text in fields.items()]
    found += [problem for problem in problems if problem.location[:1] not in _places(fields)]
    return found + [Problem((), text, whole=True) for text in checks]


def _places(fields: Mapping[str, str]) -> set[tuple[str, ...]]:
    return {(name,) for name in fields}


_KINDS: Mapping[str, tuple[Mapping[str, type[BaseModel]], str]] = {
    "vaults": (VAULT_KINDS, "name"),
    "partials": (PARTIAL_KINDS, "type"),
}
"""Collections of which each kind has its own settings, with the field that says which it is."""

_ELSEWHERE = {
    "ordering": "plugins run by their priorities here (docs/decisions/gates-before-records.md)",
}
"""Fields of Kong's enterprise edition: null is what files have that do not use them."""


def _examine_plugin(
    entity: EntityType, data: Mapping[str, Any]
) -> tuple[Row | None, list[Problem]]:
    name = data.get("name")
    plugin = plugin_types().get(name) if isinstance(name, str) else None
    given = data
    if plugin is not None and data.get("protocols") is None:
        data = {**data, "protocols": list(plugin.default_protocols())}
    elsewhere = [name for name in _ELSEWHERE if name in data]
    data = {name: value for name, value in data.items() if name not in _ELSEWHERE}
    row, problems = _validate(entity.model, data)
    problems += [
        Problem((name,), "value must be null", _ELSEWHERE[name])
        for name in elsewhere
        if given[name] is not None
    ]
    for optional in ("condition", FIELD):
        # Data planes of a Kong that does not know the field refuse it.
        if row is not None and row[optional] is None:
            del row[optional]
    if plugin is None:
        if isinstance(name, str):
            problems.append(Problem(("name",), unknown_plugin(name), input=name))
        return None, problems
    if plugin.name in EXEMPT and data.get("condition") is not None:
        text = f"{plugin.name} has no condition; let its chunk decide"
        problems.append(Problem(("condition",), "value must be null", text))
    problems += _misplaced(plugin, data)
    if row is not None:
        problems += _wrong_protocols(plugin, row["protocols"])
    if data.get(FIELD) is not None:
        return _with_links(row, problems, data, plugin)
    return _with_config(row, problems, data, plugin.schema)


def _with_links(
    row: Row | None, problems: list[Problem], data: Mapping[str, Any], plugin: PluginType
) -> tuple[Row | None, list[Problem]]:
    """Check a plugin without what its partials say, and leave that out of the row."""
    links = with_paths(links_of(data), plugin.schema)
    wrong = list(link_problems(links, data.get("config"), plugin.schema))
    if wrong or row is None:
        return None, problems + wrong
    stand_ins = {"config": with_stand_ins(data.get("config"), links)}
    row, problems = _with_config(row, problems, stand_ins, plugin.schema)
    if row is None:
        return None, problems
    if not links:
        del row[FIELD]
        return row, problems
    row[FIELD] = [{"id": link.get("id"), "path": link["path"]} for link in links]
    paths = [link["path"] for link in links]
    row["config"] = without_records(row["config"], paths, plugin.schema)
    return row, problems


def _own_kind(entity: EntityType, data: Mapping[str, Any]) -> type[BaseModel] | None:
    """Return the model of the settings of a vault or a partial, by its kind."""
    kinds, field = _KINDS.get(entity.collection, ({}, ""))
    name = data.get(field)
    return kinds.get(name) if isinstance(name, str) else None


def _examine_config(
    entity: EntityType, data: Mapping[str, Any], model: type[BaseModel]
) -> tuple[Row | None, list[Problem]]:
    given = data.get("config")
    # Whatever it is, its own model says what is wrong with it.
    row, problems = _validate(entity.model, {**data, "config": {}})
    row, problems = _with_config(row, problems, {"config": given}, model)
    if row is not None and entity.collection == "partials":
        fields = shape_of(model).fields or {}
        row["config"] = {
            # Clients compare it with what they sent, which knows present names only.
            name: value
            for name, value in row["config"].items()
            if not fields[name].shorthand
        }
    return row, problems


def _with_config(
    row: Row | None, problems: list[Problem], data: Mapping[str, Any], model: type[BaseModel]
) -> tuple[Row | None, list[Problem]]:
    """Check ``config`` by its own model, and put it into the row."""
    given = data.get("config")
    config, wrong = _validate(model, {} if given is None else given)
    problems += [_within_config(item, model) for item in wrong]
    if row is None or problems:
        return None, problems
    row["config"] = config
    return row, problems


def _within_config(problem: Problem, model: type[BaseModel]) -> Problem:
    """Place what is wrong with ``config``: checks over its fields are the entity's own in Kong."""
    if problem.whole and not problem.location:
        own = issubclass(model, StrictModel) and model.own_checks
        return replace(problem, location=("config",) if own else ())
    return replace(problem, location=("config", *problem.location))


def _misplaced(plugin: PluginType, data: Mapping[str, Any]) -> list[Problem]:
    return [
        Problem(
            (scope,),
            "value must be null",
            f"{plugin.name} cannot be limited to a {scope.replace('_', ' ')}",
        )
        for scope in ("consumer", "consumer_group", "service", "route")
        if plugin.refuses(scope) and data.get(scope) is not None
    ]


def _wrong_protocols(plugin: PluginType, protocols: list[str]) -> list[Problem]:
    allowed = plugin.allowed_protocols()
    text = f"expected one of: {', '.join(allowed)}"
    return [
        Problem(("protocols", place), text, f"{plugin.name} does not run for others", protocol)
        for place, protocol in enumerate(protocols)
        if protocol not in allowed
    ]


def shape_for(entity: EntityType, data: Any) -> Shape:
    """Return the entity's shape, with that of its own ``config``: of plugin, vault, partial."""
    shape = shape_of(entity.model)
    kind = _own_kind(entity, data) if isinstance(data, Mapping) else None
    if kind is not None and shape.fields is not None:
        return replace(shape, fields={**shape.fields, "config": shape_of(kind)})
    if entity.collection != "plugins" or not isinstance(data, Mapping) or shape.fields is None:
        return shape
    return _plugin_shape(str(data.get("name")), version_in_force()) or shape


@cache
def _plugin_shape(name: str, version: str) -> Shape | None:
    # The version is there for the cache: the defaults are those of the version in force.
    shape, plugin = shape_of(Plugin), plugin_types().get(name)
    if plugin is None or shape.fields is None:
        return None
    return replace(shape, fields={**shape.fields, "config": shape_of(plugin.schema)})
