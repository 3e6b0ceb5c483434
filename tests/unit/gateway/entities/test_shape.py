# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from gateway.entities import ENTITIES
from gateway.entities.plugin_types import plugin_types
from gateway.entities.shape import Shape, shape_of


def _models() -> Iterator[tuple[str, type[BaseModel]]]:
    for entity in ENTITIES.values():
        yield entity.collection, entity.model
    for plugin in plugin_types().values():
        yield plugin.name, plugin.schema


def _undescribed(shape: Shape, path: str) -> Iterator[str]:
    for name, field in (shape.fields or {}).items():
        where = f"{path}.{name}"
        sentence = field.description
        if not (sentence[:1].isupper() and sentence.endswith(".") and sentence.count(" ") > 1):
            yield where
        yield from _undescribed(field, where)
        if field.elements is not None:
            yield from _undescribed(field.elements, where)


@pytest.mark.parametrize(("name", "model"), list(_models()))
def test_every_field_is_described_by_a_full_sentence(name: str, model: type[BaseModel]) -> None:
    assert list(_undescribed(shape_of(model), name)) == []
