# SPDX-License-Identifier: Apache-2.0
"""Fields without order or repetition: what stands in one twice is kept once, as Kong does.

Kong does so before anything is checked (``make_set`` in its ``db/schema/init.lua``): positions in
what is wrong are those of what is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from gateway.entities.shape import Shape, shape_of

Sets = dict[str, "Sets | None"]
"""The fields that are sets (None), or records with some in them."""


def without_repeats(model: type[BaseModel], data: Any) -> Any:
    """Return what was given for a model with each value of its sets once; nothing is changed."""
    sets = _sets_of(model)
    return _cleared(data, sets) if sets else data


@cache
def _sets_of(model: type[BaseModel]) -> Sets:
    return _sets_in(shape_of(model))


def _sets_in(shape: Shape) -> Sets:
    found: Sets = {}
    for name, field in (shape.fields or {}).items():
        if field.type == "set":
            found[name] = None
        elif field.fields is not None and (inner := _sets_in(field)):
            found[name] = inner
    return found


def _cleared(data: Any, sets: Sets) -> Any:
    if not isinstance(data, Mapping):
        return data
    changed = {}
    for name, inner in sets.items():
        value = data.get(name)
        if value is not None:
            cleared = _once(value) if inner is None else _cleared(value, inner)
            if cleared is not value:
                changed[name] = cleared
    return {**data, **changed} if changed else data


def _once(value: Any) -> Any:
    if not isinstance(value, list) or len(value) < 2:
        return value
    seen: set[Any] = set()
    kept = []
    for one in value:
        # True is 1 to Python, and not in JSON; maps are never the same to Kong.
        word = (type(one), one) if isinstance(one, str | int | float) else None
        if word is None or word not in seen:
            kept.append(one)
            seen.add(word)
    return kept if len(kept) < len(value) else value
