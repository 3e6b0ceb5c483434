# SPDX-License-Identifier: Apache-2.0
"""Kong's own schema language, as far as ``request-validator`` documents it.

A schema is a list of fields, ``[{"name": {"type": "string", "required": true}}]``; a body is an
object with these fields and no others. Null counts as absent.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from gateway.entities.types import UUID

Check = Callable[[Any], str]
"""Returns what is wrong with a value, or nothing."""
Match = Callable[[str, str], bool]
"""Whether a text matches a Lua pattern."""

_WITHOUT_EFFECT = frozenset(("required", "default", "description", "format", "nullable", "err"))
_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    ),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "set": lambda value: isinstance(value, list),
    "map": lambda value: isinstance(value, dict),
    "record": lambda value: isinstance(value, dict),
}


def compile_fields(schema: Any, match: Match) -> Check:
    """Return the check of a body; raises ``ValueError`` for what is no schema."""
    return _record(schema, match)


def _record(fields: Any, match: Match) -> Check:
    if not isinstance(fields, list):
        raise ValueError("expected an array of fields")
    checks: dict[str, tuple[bool, Check]] = {}
    for field in fields:
        if not isinstance(field, dict) or len(field) != 1:
            raise ValueError("each field must be an object with one name")
        ((name, rules),) = field.items()
        checks[name] = _is_required(rules), _field(rules, match)
    return partial(_check_record, checks)


def _is_required(rules: Any) -> bool:
    return isinstance(rules, dict) and rules.get("required") is True


def _check_record(checks: dict[str, tuple[bool, Check]], value: Any) -> str:
    if not isinstance(value, dict):
        return "expected a record"
    for name in value:
        if name not in checks:
            return f"{name}: unknown field"
    for name, (required, check) in checks.items():
        found = value.get(name)
        if found is None:
            if required:
                return f"{name}: required field missing"
        elif problem := check(found):
            return f"{name}: {problem}"
    return ""


def _field(rules: Any, match: Match) -> Check:
    if not isinstance(rules, dict):
        raise ValueError("a field's definition must be an object")
    kind = rules.get("type")
    if kind not in _TYPES:
        raise ValueError(f"type must be one of: {', '.join(_TYPES)}")
    checks: list[Check] = [partial(_check_type, kind)]
    inner = {"elements": ("array", "set"), "fields": ("record",), "keys": ("map",)}
    for name, kinds in inner.items():
        if kind in kinds and name not in rules:
            raise ValueError(f"{kind} needs {name}")
    if kind == "map" and "values" not in rules:
        raise ValueError("map needs values")
    for name, argument in rules.items():
        if name == "type" or name in _WITHOUT_EFFECT:
            continue
        made = _RULES.get(name)
        if made is None:
            raise ValueError(f"unknown attribute {name}")
        checks.append(made(argument, match, rules))
    return partial(_all, checks)


def _all(checks: list[Check], value: Any) -> str:
    for check in checks:
        problem = check(value)
        if problem:
            return problem
    return ""


def _check_type(kind: str, value: Any) -> str:
    article = "an" if kind[0] in "aeiou" else "a"
    return "" if _TYPES[kind](value) else f"expected {article} {kind}"


def _rule(text: str, holds: Callable[[Any, Any], bool]) -> Callable[..., Check]:
    """Return what makes the check of an attribute that compares a value with its argument."""

    def make(argument: Any, match: Match, rules: Any) -> Check:
        shown = text.format(argument)
        return lambda value: "" if holds(value, argument) else shown

    return make


def _pattern(text: str, holds: Callable[[Match, Any, str], bool]) -> Callable[..., Check]:
    def make(argument: Any, match: Match, rules: Any) -> Check:
        if not isinstance(argument, str):
            raise ValueError("a pattern must be a string")
        match("", argument)
        return lambda value: "" if holds(match, value, argument) else text.format(argument)

    return make


def _elements(argument: Any, match: Match, rules: Any) -> Check:
    check = _field(argument, match)
    return lambda value: next((problem for item in value if (problem := check(item))), "")


def _fields(argument: Any, match: Match, rules: Any) -> Check:
    return _record(argument, match)


def _keys(argument: Any, match: Match, rules: Any) -> Check:
    check = _field(argument, match)
    return lambda value: next((problem for item in value if (problem := check(item))), "")


def _map_values(argument: Any, match: Match, rules: Any) -> Check:
    check = _field(argument, match)
    return lambda value: next((problem for item in value.values() if (problem := check(item))), "")


def _between(argument: Any, match: Match, rules: Any) -> Check:
    if not isinstance(argument, list) or len(argument) != 2:
        raise ValueError("between needs two numbers")
    low, high = argument
    text = f"value should be between {low} and {high}"
    return lambda value: "" if low <= value <= high else text


_RULES: dict[str, Callable[..., Check]] = {
    "elements": _elements,
    "fields": _fields,
    "keys": _keys,
    "values": _map_values,
    "between": _between,
    "len_eq": _rule("length must be {}", lambda value, size: len(value) == size),
    "len_min": _rule("length must be at least {}", lambda value, size: len(value) >= size),
    "len_max": _rule("length must be at most {}", lambda value, size: len(value) <= size),
    "gt": _rule("value must be greater than {}", lambda value, least: value > least),
    "eq": _rule("value must be {}", lambda value, other: value == other),
    "ne": _rule("value must not be {}", lambda value, other: value != other),
    "one_of": _rule("expected one of: {}", lambda value, choices: value in choices),
    "not_one_of": _rule("must not be one of: {}", lambda value, choices: value not in choices),
    "contains": _rule("expected to contain: {}", lambda value, item: item in value),
    "starts_with": _rule("should start with: {}", lambda value, text: value.startswith(text)),
    "timestamp": _rule("expected a valid timestamp", lambda value, on: not on or value > 0),
    "uuid": _rule(
        "expected a valid UUID", lambda value, on: not on or UUID.fullmatch(value) is not None
    ),
    "match": _pattern("invalid value", lambda match, value, text: match(value, text)),
    "not_match": _pattern("invalid value", lambda match, value, text: not match(value, text)),
    "match_all": _pattern(
        "invalid value", lambda match, value, text: all(match(item, text) for item in value)
    ),
    "match_none": _pattern(
        "invalid value", lambda match, value, text: not any(match(item, text) for item in value)
    ),
    "match_any": _pattern(
        "invalid value", lambda match, value, text: any(match(item, text) for item in value)
    ),
}
