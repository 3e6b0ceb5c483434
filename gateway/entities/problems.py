# SPDX-License-Identifier: Apache-2.0
"""What is wrong with an entity: pydantic's errors turned into sentences and into Kong's shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from gateway.entities.shape import Shape, shape_of
from gateway.names.property_paths import PropertyPath, render_path
from gateway.names.spelling import choices, nearest

_TYPES = {
    "string_type": "expected a string",
    "int_type": "expected an integer",
    "int_from_float": "expected an integer",
    "float_type": "expected a number",
    "finite_number": "expected a number",
    "bool_type": "expected a boolean",
    "list_type": "expected an array",
    "dict_type": "expected a map",
    "model_type": "expected a record",
    "model_attributes_type": "expected a record",
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. ``location`` is inside the entity; ``whole`` marks entity checks."""

    location: PropertyPath
    text: str
    """Kong's text."""
    advice: str = ""
    """What we add for people: allowed values, nearest spelling."""
    input: Any = None
    """The value in question; never shown, it may be a secret."""
    whole: bool = False
    misspelt: bool = False
    absent: bool = False

    def sentence(self, prefix: str = "") -> str:
        """Return path, text and advice, e.g. ``config.topik: unknown field; did you mean …``."""
        path = render_path(self.location, prefix)
        text = f"{self.text}; {self.advice}" if self.advice else self.text
        return f"{path}: {text}" if path else text


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Turn pydantic's errors into problems."""
    shape = shape_of(model)
    found: list[Problem] = []
    for item in error.errors(include_url=False):
        location = tuple(step for step in item["loc"] if step != "[key]")
        if item["type"] == "entity":
            found.extend(_entity_problems(location, item["ctx"], item["input"]))
        else:
            found.append(_problem(location, item, shape))
    return found


def _entity_problems(
    location: PropertyPath, context: Mapping[str, Any], value: Any
) -> list[Problem]:
    whole = [Problem(location, text, input=value, whole=True) for text in context["checks"]]
    fields = [
        # A name may lead into a record: ``redis.host``.
        Problem(
            (*location, *name.split(".")),
            text,
            input=value.get(name) if isinstance(value, dict) else None,
        )
        for name, text in context["fields"].items()
    ]
    return fields + whole


def _problem(location: PropertyPath, item: Any, root: Shape) -> Problem:
    kind = item["type"]
    value = item["input"]
    if kind == "extra_forbidden":
        advice = choices(location[-1], _find(root, location[:-1]).fields or ())
        return Problem(location, "unknown field", advice, value, misspelt=True)
    shape = _find(root, location)
    if kind == "missing":
        return Problem(location, "required field missing", absent=True)
    if kind == "literal_error":
        listed = ", ".join(str(choice) for choice in shape.one_of)
        guess = nearest(value, map(str, shape.one_of)) if isinstance(value, str) else ""
        return Problem(location, f"expected one of: {listed}", guess, value)
    if kind == "greater_than":
        return Problem(location, f"value must be greater than {item['ctx']['gt']:g}", "", value)
    if kind in ("greater_than_equal", "less_than_equal"):
        return Problem(location, _range(shape), "", value)
    if kind in ("string_too_short", "too_short"):
        return Problem(location, f"length must be at least {shape.min_length or 1}", "", value)
    if kind in _TYPES:
        text = "expected a set" if shape.type == "set" and kind == "list_type" else _TYPES[kind]
        return Problem(location, text, _got(value), value)
    return Problem(location, shape.message or item["msg"], "", value)


def _range(shape: Shape) -> str:
    if shape.high is None:
        return f"value must be at least {shape.low}"
    return f"value should be between {shape.low} and {shape.high}"


def _got(value: Any) -> str:
    """Name the type that was given, never the value."""
    names = {str: "a string", bool: "a boolean", int: "an integer", float: "a number"}
    names |= {list: "an array", dict: "a map", type(None): "null"}
    return f"got {names[type(value)]}" if type(value) in names else ""


def _find(shape: Shape, location: Sequence[str | int]) -> Shape:
    """Follow a location down the shape; past an unknown step it is an ``any``."""
    for step in location:
        if shape.fields is not None:
            shape = shape.fields.get(str(step), _ANY)
        elif shape.elements is not None:
            shape = shape.elements
        else:
            return _ANY
    return shape


_ANY = Shape("any")


def kong_fields(problems: Iterable[Problem], root: Shape) -> dict[str, Any]:
    """Arrange problems in Kong's shape: positions from "1", no map keys, ``@entity`` lists."""
    tree: dict[str, Any] = {}
    for problem in problems:
        steps = _kong_steps(problem.location, root)
        if problem.whole:
            at = _branch(tree, steps)
            texts = at.setdefault("@entity", [])
            texts.append(problem.text)
        elif steps:
            at = _branch(tree, steps[:-1])
            # Without the advice: clients compare these texts word by word.
            at.setdefault(steps[-1], problem.text)
    return tree


def _kong_steps(location: PropertyPath, shape: Shape) -> list[str]:
    steps: list[str] = []
    for step in location:
        if isinstance(step, int):
            steps.append(str(step + 1))
        elif shape.type != "map":
            steps.append(step)
        shape = _find(shape, (step,))
    return steps


def _branch(tree: dict[str, Any], steps: Sequence[str]) -> dict[str, Any]:
    for step in steps:
        below = tree.get(step)
        if not isinstance(below, dict):
            below = tree[step] = {}
        tree = below
    return tree
