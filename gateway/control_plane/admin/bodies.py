# SPDX-License-Identifier: Apache-2.0
"""Bodies of requests that are no entities: read by their models, which OpenAPI shows as well."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from gateway.control_plane.admin.responses import read_object
from gateway.entities.problems import kong_fields, problems_of
from gateway.entities.shape import shape_of
from gateway.errors import SchemaViolation

M = TypeVar("M", bound=BaseModel)


async def read_body(request: Request, model: type[M]) -> M:
    """Return the body of a request as its model; raises ``SchemaViolation``, as for entities."""
    return checked(model, await read_object(request))


def checked(model: type[M], data: dict[str, Any]) -> M:
    """Return data as a model; raises ``SchemaViolation`` in Kong's shape with all problems."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = problems_of(error, model)
        fields = kong_fields(problems, shape_of(model))
        raise SchemaViolation(fields, "", [one.sentence() for one in problems]) from None
