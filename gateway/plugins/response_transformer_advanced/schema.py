# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``response-transformer-advanced``, with the fields of Kong 3.13."""

from __future__ import annotations

import warnings
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.entities.base import StrictModel
from gateway.entities.types import invalid
from gateway.errors import SchemaViolation
from gateway.plugins.response_transformer.schema import (
    JsonNames,
    RemovedParts,
    RenamedParts,
    ResponseValues,
)
from gateway.plugins.transformations.entries import entries
from gateway.plugins.transformations.statuses import StatusEntry

_STATUSES = "The statuses of responses that this is for: `200`, `400-499`; none named: all."


def _check_function(chunk: str) -> str:
    # LuaJIT is loaded only where there is Lua.
    from gateway.plugins.produce.lua import check_chunks

    try:
        check_chunks([chunk], "transform.functions")
    except SchemaViolation as error:
        raise invalid(str(error.fields["config"]["transform.functions"]["1"])) from None
    return chunk


class RemovedByStatus(RemovedParts):
    """What is removed."""

    if_status: list[StatusEntry] = entries(_STATUSES)


class RenamedByStatus(RenamedParts):
    """What gets another name."""

    if_status: list[StatusEntry] = entries(_STATUSES)


class ValuesByStatus(ResponseValues):
    """What gets values."""

    if_status: list[StatusEntry] = entries(_STATUSES)


class ReplacedByStatus(ValuesByStatus):
    """What gets another value, where it is there."""

    body: str | None = Field(
        default=None, description="What the whole body is replaced by, of whatever type it is."
    )


class TransformedByStatus(JsonNames):
    """What functions change."""

    functions: list[Annotated[str, AfterValidator(_check_function)]] = entries(
        "Lua chunks that return a function each, from the value of a JSON body to another; with "
        "`json`, from that of each of these fields."
    )
    if_status: list[StatusEntry] = entries(_STATUSES)


with warnings.catch_warnings():
    # The field's name is Kong's; pydantic has a deprecated method of that name.
    warnings.simplefilter("ignore", UserWarning)

    class AllowedJson(StrictModel):
        """What may stay."""

        json: list[str] | None = Field(  # type: ignore[assignment]  # a method there
            default=None, description="The fields of a JSON body that stay, all others are removed."
        )


class Config(StrictModel):
    """Change responses, as `response-transformer` does, by status, with nested fields and Lua.

    With `dots_in_keys: false` names of JSON fields are paths: `a.b`, `list[1]` from 1, `list[*]`
    for all elements. After the changes comes what is allowed, then the functions; they run in the
    sandbox, for 0.1 seconds at most, and one that fails is a 500.
    """

    remove: RemovedByStatus = Field(default_factory=RemovedByStatus, description="What is removed.")
    rename: RenamedByStatus = Field(
        default_factory=RenamedByStatus, description="What gets another name."
    )
    replace: ReplacedByStatus = Field(
        default_factory=ReplacedByStatus, description="What gets another value, where it is there."
    )
    add: ValuesByStatus = Field(
        default_factory=ValuesByStatus, description="What gets a value, where it has none."
    )
    append: ValuesByStatus = Field(
        default_factory=ValuesByStatus, description="What gets one value more."
    )
    allow: AllowedJson = Field(
        default_factory=AllowedJson, description="What of a JSON body may stay."
    )
    transform: TransformedByStatus = Field(
        default_factory=TransformedByStatus, description="What functions change."
    )
    dots_in_keys: bool = Field(
        default=True,
        description="Whether a dot is part of a field's name; without, names are paths.",
    )
