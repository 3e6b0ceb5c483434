# SPDX-License-Identifier: Apache-2.0
"""The shape of a model as data: what schema JSON, error texts, defaults and docs are made from."""

from __future__ import annotations

import types
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from gateway.entities.base import Hint
from gateway.settings.compatibility import version_in_force


@dataclass(frozen=True)
class Shape:
    """One field, list element or map value.

    ``type`` is Kong's word: string, integer, number, boolean, array, set, map, record,
    foreign or any.
    """

    type: str
    required: bool = False
    default: Any = None
    description: str = ""
    one_of: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    min_length: int | None = None
    hints: tuple[Hint, ...] = ()
    fields: dict[str, Shape] | None = None
    """Of a record."""
    elements: Shape | None = None
    """Of an array or set; of a map the shape of its values."""
    has_default: bool = False

    def has(self, hint: str) -> bool:
        """Tell whether one of the hints has this attribute set."""
        return any(getattr(found, hint) for found in self.hints)

    @property
    def reference(self) -> str:
        """The collection a foreign key points into, or an empty string."""
        return next((hint.reference for hint in self.hints if hint.reference), "")

    @property
    def shorthand(self) -> tuple[str, ...]:
        """Where the value of a deprecated field stands now; empty for any other field."""
        return next((hint.shorthand for hint in self.hints if hint.shorthand), ())

    @property
    def message(self) -> str:
        """The text for a value that does not fit, or an empty string."""
        return next((hint.message for hint in self.hints if hint.message), "")


def shape_of(model: type[BaseModel]) -> Shape:
    """Return the shape of a model: a record with its fields in order, and the defaults in force."""
    return _shape_of(model, version_in_force())


@cache
def _shape_of(model: type[BaseModel], version: str) -> Shape:
    # The version is there for the cache: the defaults are those of the version in force.
    fields = {info.alias or name: _field(info) for name, info in model.model_fields.items()}
    return Shape("record", required=True, fields=fields)


def _field(info: FieldInfo) -> Shape:
    metadata: list[Any] = list(info.metadata)
    default: Any = None
    has_default = False
    if info.default_factory is not None:
        auto = any(isinstance(found, Hint) and found.auto for found in metadata)
        if not auto:
            default, has_default = _plain(info.get_default(call_default_factory=True)), True
    elif info.default is not PydanticUndefined:
        default, has_default = info.default, info.default is not None
    return _shape(
        info.annotation,
        metadata,
        required=info.is_required(),
        default=default,
        has_default=has_default,
        description=info.description or "",
    )


def _plain(value: Any) -> Any:
    return value.model_dump() if isinstance(value, BaseModel) else value


def _shape(annotation: Any, metadata: list[Any], **known: Any) -> Shape:
    """Build the shape of an annotation; ``metadata`` gathers what ``Annotated`` adds on the way."""
    origin = get_origin(annotation)
    while origin is Annotated or origin in (Union, types.UnionType):
        if origin is Annotated:
            metadata = metadata + list(annotation.__metadata__)
            annotation = annotation.__origin__
        else:
            annotation = next(arg for arg in get_args(annotation) if arg is not type(None))
        origin = get_origin(annotation)
    known |= _limits(metadata)
    hints = known["hints"]
    if origin is Literal:
        values = get_args(annotation)
        kind = "integer" if isinstance(values[0], int) else "string"
        return Shape(kind, one_of=values, **known)
    if origin is list:
        kind = "set" if any(hint.set for hint in hints) else "array"
        return Shape(kind, elements=_shape(get_args(annotation)[0], []), **known)
    if origin is dict:
        values_of = get_args(annotation)[1]
        elements = None if values_of is Any else _shape(values_of, [])
        return Shape("map" if elements else "any", elements=elements, **known)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return Shape("record", fields=shape_of(annotation).fields, **known)
    if any(hint.reference for hint in hints):
        return Shape("foreign", **known)
    kind = _SIMPLE.get(annotation, "any")
    return Shape("integer" if kind == "number" and _auto(hints) else kind, **known)


def _auto(hints: tuple[Hint, ...]) -> bool:
    # Times: Kong announces integers, although targets have fractions.
    return any(hint.auto for hint in hints)


_SIMPLE: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}


def _limits(metadata: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"hints": tuple(item for item in metadata if isinstance(item, Hint))}
    for item in _constraints(metadata):
        if isinstance(item, Ge):
            found["low"] = item.ge
        elif isinstance(item, Le):
            found["high"] = item.le
        elif isinstance(item, MinLen):
            found["min_length"] = item.min_length
    return found


def _constraints(metadata: list[Any]) -> list[Any]:
    """Unpack ``Field(ge=…)`` that stands inside ``Annotated``."""
    found: list[Any] = []
    for item in metadata:
        found.extend(item.metadata if isinstance(item, FieldInfo) else [item])
    return [item for item in found if isinstance(item, (Ge, Le, MinLen, MaxLen))]
