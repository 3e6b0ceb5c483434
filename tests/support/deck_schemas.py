# SPDX-License-Identifier: Apache-2.0
"""How decK reads the schemas of a server: defaults, former names, and what is equal."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

Entity = dict[str, Any]


def fields_of(record: Any) -> dict[str, Any]:
    """Return the fields of a record of a schema, by name."""
    return {name: field for one in record.get("fields") or () for name, field in one.items()}


def defaults_of(record: Any) -> Entity:
    """Return the defaults of a record and of those in it."""
    return {
        name: defaults_of(field) if field.get("type") == "record" else field.get("default")
        for name, field in fields_of(record).items()
    }


def merge(entity: Entity, defaults: Entity) -> None:
    """Fill in what an entity leaves out."""
    for name, value in defaults.items():
        if isinstance(value, dict) and isinstance(entity.get(name), dict):
            merge(entity[name], value)
        elif entity.get(name) is None and value is not None:
            entity[name] = copy.deepcopy(value)


def _former_names(record: Any) -> Iterator[tuple[str, list[list[str]]]]:
    for one in record.get("shorthand_fields") or ():
        for name, field in one.items():
            replaced = (field.get("deprecation") or {}).get("replaced_with") or ()
            paths = [item["path"] for item in replaced]
            if not paths and "translate_backwards" in field:
                paths = [field["translate_backwards"]]
            yield name, paths


def fill_record(record: Any, config: Entity, above: Mapping[str, list[list[str]]]) -> Entity:
    """Return a record's settings with defaults, as go-kong fills them in.

    ``above`` are the former names in use above, with the paths that they stand for from here on.
    """
    former = {name: paths for name, paths in _former_names(record) if name in config} | dict(above)
    made = copy.deepcopy(config)
    own = record.get("default") or {}
    for name, field in fields_of(record).items():
        given, kind = config.get(name), field.get("type")
        elements = (field.get("elements") or {}).get("type")
        if name in config and not isinstance(given, dict | list):
            continue  # Also null: it is set.
        if isinstance(given, dict) and kind != "record":
            continue
        if isinstance(given, list) and elements != "record":
            continue
        below = {
            key: [path[1:] for path in paths if path and path[0] == name]
            for key, paths in former.items()
        }
        below = {key: paths for key, paths in below.items() if paths}
        if kind == "record" and (given is not None or field.get("required")):
            filled = fill_record(field, given or {}, below)
            if filled:
                made[name] = filled
        elif below:
            continue
        elif isinstance(given, list):
            made[name] = [fill_record(field["elements"], item, former) for item in given]
        else:
            made[name] = copy.deepcopy(own.get(name, field.get("default")))
    return made


def clear_former_names(record: Any, new: Entity, old: Entity) -> None:
    """Take out of both settings what only one of them says under another name."""
    for name, paths in _former_names(record):
        if name not in new:
            old.pop(name, None)
            continue
        for path in paths:
            found, value = _at(new, path)
            if not found:
                _drop(old, path)
            elif value is None and new[name] is not None:
                _drop(new, path)
                _drop(old, path)
    for name, field in fields_of(record).items():
        both = new.get(name), old.get(name)
        if field.get("type") == "record" and all(isinstance(one, dict) for one in both):
            clear_former_names(field, new[name], old[name])


def _at(config: Any, path: list[str]) -> tuple[bool, Any]:
    for part in path:
        if not isinstance(config, dict) or part not in config:
            return False, None
        config = config[part]
    return True, config


def _drop(config: Any, path: list[str]) -> None:
    if not isinstance(config, dict) or path[0] not in config:
        return
    if len(path) == 1:
        del config[path[0]]
        return
    _drop(config[path[0]], path[1:])
    if config[path[0]] == {}:
        del config[path[0]]


def sorted_sets(record: Any, config: Entity) -> Entity:
    """Return settings with the values of sets in one order."""
    made = dict(config)
    for name, field in fields_of(record).items():
        value, kind = config.get(name), field.get("type")
        if isinstance(value, dict) and kind == "record":
            made[name] = sorted_sets(field, value)
        elif isinstance(value, list) and kind == "set":
            made[name] = sorted(value, key=orjson.dumps)
    return made
