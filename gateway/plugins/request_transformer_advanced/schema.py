# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``request-transformer-advanced``, with the fields of Kong 3.15."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.entities.base import StrictModel
from gateway.plugins.request_transformer.schema import MethodName, Remove, Rename, UriTemplate
from gateway.plugins.request_transformer.schema import Values as PlainValues
from gateway.plugins.transformations.entries import entries

JsonType = Literal["boolean", "number", "string"]


class TypedValues(PlainValues):
    """What gets values, of types in a JSON body."""

    json_types: list[JsonType] = entries(
        "The types of the values of `body`, one by one, where the body is JSON; strings otherwise."
    )


class TypedReplace(TypedValues):
    """What gets other values, where it is there."""

    uri: UriTemplate | None = Field(
        default=None,
        description="The path that is sent to the upstream, maybe with templates; the query stays.",
    )


class AllowedBody(StrictModel):
    """What may stay."""

    body: list[str] | None = Field(
        default=None, description="The fields of a JSON body that stay, all others are removed."
    )


class Config(StrictModel):
    """Change requests, as `request-transformer` does, with types and nested fields.

    With `dots_in_keys: false` names of body fields are paths into JSON: `a.b`, `list[1]` from 1,
    `list[*]` for all elements.
    """

    http_method: MethodName | None = Field(
        default=None,
        description="The method for the upstream. With GET, HEAD and TRACE the fields of an "
        "urlencoded form go into the query too.",
    )
    remove: Remove = Field(default_factory=Remove, description="What is removed.")
    rename: Rename = Field(default_factory=Rename, description="What gets another name.")
    replace: TypedReplace = Field(
        default_factory=TypedReplace, description="What gets another value, where it is there."
    )
    add: TypedValues = Field(
        default_factory=TypedValues, description="What gets a value, where it has none."
    )
    append: TypedValues = Field(
        default_factory=TypedValues, description="What gets one value more."
    )
    allow: AllowedBody = Field(
        default_factory=AllowedBody, description="What of a JSON body may stay."
    )
    dots_in_keys: bool = Field(
        default=True,
        description="Whether a dot is part of a field's name; without, names are paths.",
    )
