# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``response-transformer``, with the fields of Kong 3.14 (its schema.lua)."""

from __future__ import annotations

import warnings
from typing import Literal

from pydantic import Field

from gateway.entities.base import StrictModel
from gateway.plugins.transformations.entries import (
    HeaderEntry,
    HeaderPair,
    HeaderRename,
    Pair,
    entries,
)

JsonValueType = Literal["boolean", "number", "string"]

with warnings.catch_warnings():
    # The field's name is Kong's; pydantic has a deprecated method of that name.
    warnings.simplefilter("ignore", UserWarning)

    class JsonNames(StrictModel):
        """Names of fields."""

        json: list[str] = entries("Names of fields of a JSON body.")  # type: ignore[assignment]  # a method there

    class JsonPairs(StrictModel):
        """Fields with something."""

        json: list[Pair] = entries("Fields of a JSON body: `name:value`.")  # type: ignore[assignment]  # as above


class RemovedParts(JsonNames):
    """What is removed."""

    headers: list[HeaderEntry] = entries("The headers to remove.")


class RenamedParts(JsonPairs):
    """What gets another name."""

    headers: list[HeaderRename] = entries("The headers to rename: `old:new`.")


class ResponseValues(JsonPairs):
    """What gets values."""

    json_types: list[JsonValueType] = entries(
        "The types of the values of `json`, one by one; strings otherwise."
    )
    headers: list[HeaderPair] = entries("The headers and their values: `name:value`.")


class Config(StrictModel):
    """Change responses, also those of other plugins: headers, and the fields of JSON objects.

    In this order: remove, rename, replace what is there, add what is not, append another value.
    Each looks at the headers as they came. A body that is changed is held as a whole, 10 MiB at
    most, a longer one is a 502; the upstream is asked not to compress, and gzip and deflate are
    undone. What is no JSON object passes unchanged.
    """

    remove: RemovedParts = Field(default_factory=RemovedParts, description="What is removed.")
    rename: RenamedParts = Field(
        default_factory=RenamedParts, description="What gets another name."
    )
    replace: ResponseValues = Field(
        default_factory=ResponseValues, description="What gets another value, where it is there."
    )
    add: ResponseValues = Field(
        default_factory=ResponseValues, description="What gets a value, where it has none."
    )
    append: ResponseValues = Field(
        default_factory=ResponseValues, description="What gets one value more."
    )
