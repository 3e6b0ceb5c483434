# SPDX-License-Identifier: Apache-2.0
"""Checking a resource's inputs against a small description, with values that are unknown yet.

Not pydantic: a value may be unknown at preview anywhere, and a plugin starts for each command.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provider.diff import format_path
from provider.values import UNKNOWN, Path

Problem = tuple[str, str]
"""Property path and a full sentence."""

Test = Callable[[Any], str | None]
"""What is wrong with a known value, or None."""


@dataclass(frozen=True)
class Field:
    """One input: its test, whether it must be given, and what it is when it is not.

    ``fields`` describes the entries of an object; ``items`` each item of a list or map.
    """

    test: Test
    required: bool = False
    default: Any = None
    fields: Mapping[str, Field] | None = None
    items: Field | None = None


def text(required: bool = False, default: str | None = None, *allowed: str) -> Field:
    """A string; one of ``allowed`` when those are given, else not empty."""

    def test(value: Any) -> str | None:
        if not isinstance(value, str):
            return "should be a string"
        if allowed and value not in allowed:
            return f"{value!r} is not allowed; one of: {', '.join(allowed)}"
        return None if value or not required else "should not be empty"

    return Field(test, required, default)


def integer(
    required: bool = False,
    default: int | None = None,
    minimum: int = 0,
    maximum: int = 2**31 - 1,
) -> Field:
    """A whole number between ``minimum`` and ``maximum``."""

    def test(value: Any) -> str | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return "should be a whole number"
        if not minimum <= value <= maximum:
            return f"should be between {minimum} and {maximum}, not {value}"
        return None

    return Field(test, required, default)


def boolean(default: bool = False) -> Field:
    """True or false."""

    def test(value: Any) -> str | None:
        return None if isinstance(value, bool) else "should be true or false"

    return Field(test, default=default)


def anything() -> Field:
    """Any value at all."""
    return Field(lambda _: None)


def record(fields: Mapping[str, Field], required: bool = False) -> Field:
    """An object with exactly these fields."""
    return Field(_is_object, required, fields=fields)


def mapping(items: Field, default: Mapping[str, Any] | None = None) -> Field:
    """An object with any names, all of one kind."""
    return Field(_is_object, default=default, items=items)


def array(items: Field, required: bool = False, default: list[Any] | None = None) -> Field:
    """A list of one kind; not empty when ``required``."""

    def test(value: Any) -> str | None:
        if not isinstance(value, list):
            return "should be a list"
        return "should not be empty" if required and not value else None

    return Field(test, required, default, items=items)


def _is_object(value: Any) -> str | None:
    return None if isinstance(value, Mapping) else "should be an object"


def check_fields(
    fields: Mapping[str, Field], given: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Problem]]:
    """Return ``given`` with defaults filled in, and every problem found."""
    problems: list[Problem] = []
    checked = _check_object(fields, given, (), problems)
    return checked, problems


def _check_object(
    fields: Mapping[str, Field], given: Mapping[str, Any], path: Path, problems: list[Problem]
) -> dict[str, Any]:
    problems.extend(
        (format_path((*path, name)), _unknown_field(name, fields))
        for name in given
        if name not in fields
    )
    return dict(_checked(fields, given, path, problems))


def _checked(
    fields: Mapping[str, Field], given: Mapping[str, Any], path: Path, problems: list[Problem]
) -> Iterator[tuple[str, Any]]:
    for name, field in fields.items():
        value = given.get(name)
        if value is None:
            if field.required:
                problems.append((format_path((*path, name)), "is required"))
            elif field.default is not None:
                yield name, field.default
        else:
            yield name, _check_value(field, value, (*path, name), problems)


def _check_value(field: Field, value: Any, path: Path, problems: list[Problem]) -> Any:
    if value == UNKNOWN:
        return value
    problem = field.test(value)
    if problem:
        problems.append((format_path(path), problem))
        return value
    if field.fields is not None:
        return _check_object(field.fields, value, path, problems)
    if field.items is not None and isinstance(value, Mapping):
        return {
            name: _check_value(field.items, item, (*path, name), problems)
            for name, item in value.items()
            if item is not None
        }
    if field.items is not None:
        return [
            _check_value(field.items, item, (*path, place), problems)
            for place, item in enumerate(value)
        ]
    return value


def _unknown_field(name: str, fields: Mapping[str, Field]) -> str:
    near = difflib.get_close_matches(name, fields, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"unknown input{hint} Allowed: {', '.join(sorted(fields))}"
