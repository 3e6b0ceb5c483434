# SPDX-License-Identifier: Apache-2.0
"""Checking a resource's inputs against a small description, with values that are unknown yet.

Not pydantic: a value may be unknown at preview anywhere, and a plugin starts for each command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.names.property_paths import PropertyPath, render_path
from gateway.names.spelling import choices
from provider.values import UNKNOWN

Problem = tuple[str, str]
"""Property path and a full sentence."""

Test = Callable[[Any], str | None]
"""What is wrong with a known value, or None."""

REQUIRED: Any = object()
"""The default of a field that has none: it must be given."""


@dataclass(frozen=True)
class Field:
    """One input: its test, and its default where it may be left out (None: it has no value then).

    ``fields`` describes the entries of an object, ``items`` each item of a list or map. A text or
    list without a default may not be empty. The value of a ``secret`` field is secret whatever the
    program says. What is left serves the package's schema (``provider.schema``).
    """

    test: Test
    default: Any = REQUIRED
    fields: Mapping[str, Field] | None = None
    items: Field | None = None
    secret: bool = False
    kind: str = "any"
    """``string``, ``integer``, ``boolean``, ``object``, ``array`` or ``any``."""
    allowed: Sequence[str] = ()
    """The values that a string may have; none: any."""
    name: str = ""
    """Of the object's type, in the resource's module."""
    about: str = ""
    """What an entry of an object is; an attribute has its docstring."""
    alternatives: Sequence[Field] = ()
    """What a value of kind ``any`` may be."""
    input_only: bool = False
    """It does not stand among the outputs."""

    def secret_paths(self, path: PropertyPath) -> Iterator[PropertyPath]:
        """Yield the paths that are secret at ``path``, where this field stands, and below it."""
        if self.secret:
            yield path
        for name, field in (self.fields or {}).items():
            yield from field.secret_paths((*path, name))
        if self.items is not None:
            yield from self.items.secret_paths((*path, "*"))


# The functions that make fields return Any: in the body of a resource type, each stands as the
# default of an attribute that has the type of the argument (see ``provider.declaration``).


def text(
    *,
    default: Any = REQUIRED,
    allowed: Sequence[str] = (),
    secret: bool = False,
    problem: Callable[[str], str] = lambda _: "",
    about: str = "",
) -> Any:
    """A string; one of ``allowed`` when those are given; ``problem`` says what is wrong with it."""

    def test(value: Any) -> str | None:
        if not isinstance(value, str):
            return "should be a string"
        if allowed and value not in allowed:
            return f"{value!r} is not allowed; one of: {', '.join(allowed)}"
        return problem(value) or None

    return Field(test, default, secret=secret, kind="string", allowed=allowed, about=about)


def integer(
    *, default: Any = REQUIRED, minimum: int = 0, maximum: int = 2**31 - 1, about: str = ""
) -> Any:
    """A whole number between ``minimum`` and ``maximum``."""

    def test(value: Any) -> str | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return "should be a whole number"
        if not minimum <= value <= maximum:
            return f"should be between {minimum} and {maximum}, not {value}"
        return None

    return Field(test, default, kind="integer", about=about)


def boolean(*, default: Any = REQUIRED) -> Any:
    """True or false."""
    return Field(_is_boolean, default, kind="boolean")


def anything(
    *, default: Any = REQUIRED, test: Test = lambda _: None, alternatives: Sequence[Any] = ()
) -> Any:
    """Any value at all, or one that passes ``test``; ``alternatives`` describe those."""
    return Field(test, default, alternatives=alternatives)


def record(
    fields: Mapping[str, Any],
    *,
    default: Any = REQUIRED,
    name: str = "",
    about: str = "",
    input_only: bool = False,
) -> Any:
    """An object with exactly these fields, of the type ``name``."""
    return Field(
        _is_object,
        default,
        fields=fields,
        kind="object",
        name=name,
        about=about,
        input_only=input_only,
    )


def mapping(items: Any, *, default: Any = REQUIRED) -> Any:
    """An object with any names, all of one kind."""
    return Field(_is_object, default, items=items, kind="object")


def array(items: Any, *, default: Any = REQUIRED) -> Any:
    """A list of one kind."""
    return Field(_is_list, default, items=items, kind="array")


def _is_boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else "should be true or false"


def _is_list(value: Any) -> str | None:
    return None if isinstance(value, list) else "should be a list"


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
    fields: Mapping[str, Field],
    given: Mapping[str, Any],
    path: PropertyPath,
    problems: list[Problem],
) -> dict[str, Any]:
    problems.extend(
        (render_path((*path, name)), f"unknown input; {choices(name, sorted(fields))}")
        for name in given
        if name not in fields
    )
    return dict(_checked(fields, given, path, problems))


def _checked(
    fields: Mapping[str, Field],
    given: Mapping[str, Any],
    path: PropertyPath,
    problems: list[Problem],
) -> Iterator[tuple[str, Any]]:
    for name, field in fields.items():
        value = given.get(name)
        if value is None:
            if field.default is REQUIRED:
                problems.append((render_path((*path, name)), "is required"))
            elif field.default is not None:
                yield name, field.default
        else:
            yield name, _check_value(field, value, (*path, name), problems)


def _check_value(field: Field, value: Any, path: PropertyPath, problems: list[Problem]) -> Any:
    if value == UNKNOWN:
        return value
    problem = field.test(value)
    if field.default is REQUIRED and value in ("", []):
        problem = problem or "should not be empty"
    if problem:
        problems.append((render_path(path), problem))
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
