# SPDX-License-Identifier: Apache-2.0
"""What plugins are linked to partials for: checked, left out of the plugin, and put in again.

A linked plugin is stored without what its partials say. Data planes know no partials: they get it
with that in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from gateway.entities.partial import linkable
from gateway.entities.problems import Problem
from gateway.entities.shape import Shape, shape_of

FIELD = "partials"

_STAND_IN = {"host": "localhost"}
"""Settings that are right for every kind, while a plugin is checked without its partials."""


def links_of(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the links of a plugin as far as they are such; whatever else is wrong elsewhere."""
    given = data.get(FIELD)
    links = given if isinstance(given, list) else []
    return [one for one in links if isinstance(one, Mapping)]


def with_paths(links: Sequence[Mapping[str, Any]], schema: type[BaseModel]) -> list[dict[str, Any]]:
    """Return links that say their path, where a plugin has but one record that can be linked."""
    paths = list(linkable(schema))
    only = paths[0] if len(paths) == 1 else None
    return [{**link, "path": only if link.get("path") is None else link["path"]} for link in links]


def link_problems(
    links: Sequence[Mapping[str, Any]], config: Any, schema: type[BaseModel]
) -> Iterator[Problem]:
    """Yield what is wrong with a plugin's links as such; ``links`` say their paths."""
    paths = linkable(schema)
    if links and not paths:
        yield Problem((FIELD,), "this plugin has no settings that a partial can stand for")
        return
    seen: set[str] = set()
    for place, link in enumerate(links):
        path = link["path"]
        if link.get("id") is None and link.get("name") is None:
            yield Problem((FIELD, place, "id"), "required field missing", absent=True)
        if path is None:
            yield Problem((FIELD, place, "path"), "required field missing", absent=True)
        elif path not in paths:
            text = f"expected one of: {', '.join(paths)}"
            yield Problem((FIELD, place, "path"), text, input=path)
        elif path in seen:
            yield Problem((FIELD, place, "path"), "another partial stands for the same record")
        else:
            seen.add(path)
            yield from _said_twice(path, config, schema)


def _said_twice(path: str, config: Any, schema: type[BaseModel]) -> Iterator[Problem]:
    """Yield the settings of a plugin that its partial stands for, its former names among them.

    Those that are as if left out may stand there: clients fill defaults in.
    """
    steps = path.split(".")[1:]
    found, shape = config, shape_of(schema)
    for step in steps:
        found = found.get(step) if isinstance(found, Mapping) else None
        shape = (shape.fields or {})[step]
    advice = "a partial stands for it; leave it out, or the link"
    if _says_something(found, shape):
        yield Problem(("config", *steps), "value must be null", advice)
    for name, of in _former_names(path, schema).items():
        given = config.get(name) if isinstance(config, Mapping) else None
        default = (shape.fields or {})[of].default
        if given is not None and given != default:
            yield Problem(("config", name), "value must be null", advice)


def _says_something(value: Any, shape: Shape) -> bool:
    if value is None or not isinstance(value, Mapping):
        return value is not None
    fields = shape.fields or {}
    return any(
        one is not None and (name not in fields or one != fields[name].default)
        for name, one in value.items()
    )


def _former_names(path: str, schema: type[BaseModel]) -> dict[str, str]:
    """Return the fields of ``config`` that stand for one in a record, too, with that one."""
    inner = f"{path.removeprefix('config.')}."
    fields = shape_of(schema).fields or {}
    return {
        name: target.removeprefix(inner)
        for name, field in fields.items()
        for target in field.shorthand
        if target.startswith(inner)
    }


def with_stand_ins(config: Any, links: Sequence[Mapping[str, Any]]) -> Any:
    """Return a plugin's settings as if its partials said something that is right."""
    if config is not None and not isinstance(config, Mapping):
        return config
    for link in links:
        config = with_record(config or {}, link["path"], _STAND_IN)
    return config


def without_records(
    config: Mapping[str, Any], paths: Sequence[str], schema: type[BaseModel]
) -> dict[str, Any]:
    """Return a plugin's settings without the records that partials stand for."""
    result = dict(config)
    for path in paths:
        *above, last = path.split(".")[1:]
        inner = result
        for step in above:
            inner[step] = inner = dict(inner.get(step) or {})
        inner.pop(last, None)
        for name in _former_names(path, schema):
            result.pop(name, None)
    return result


def with_record(config: Mapping[str, Any], path: str, record: Any) -> dict[str, Any]:
    """Return a plugin's settings with a record at a path, ``config.redis``."""
    result = dict(config)
    *above, last = path.split(".")[1:]
    inner = result
    for step in above:
        inner[step] = inner = dict(inner.get(step) or {})
    inner[last] = record
    return result


def linked_ids(row: Mapping[str, Any]) -> list[str]:
    """Return the ids of the partials that a stored plugin is linked to."""
    return [link["id"] for link in row.get(FIELD) or ()]
