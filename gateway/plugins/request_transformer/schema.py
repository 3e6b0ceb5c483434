# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``request-transformer``, with the fields of Kong 3.14 (its schema.lua)."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.entities.base import StrictModel
from gateway.entities.types import invalid
from gateway.plugins.transformations.entries import (
    HeaderEntry,
    HeaderRename,
    HeaderTemplate,
    Pair,
    TemplatePair,
    entries,
)
from gateway.plugins.transformations.templates import check_template


def _check_uri(value: str) -> str:
    problem = check_template(value)
    if problem:
        raise invalid(problem)
    return value


def _check_method(value: str) -> str:
    if not (value.isascii() and value.isalpha() and value.isupper()):
        raise invalid(f"invalid value: {value}")
    return value


MethodName = Annotated[str, AfterValidator(_check_method)]
UriTemplate = Annotated[str, AfterValidator(_check_uri)]
_ANYWHERE = "`name:value`, the value maybe with templates `$(…)`"


class Remove(StrictModel):
    """What is removed."""

    body: list[str] = entries("The body fields to remove.")
    headers: list[HeaderEntry] = entries("The headers to remove.")
    querystring: list[str] = entries("The query arguments to remove.")


class Rename(StrictModel):
    """What gets another name."""

    body: list[Pair] = entries("The body fields to rename: `old:new`.")
    headers: list[HeaderRename] = entries("The headers to rename: `old:new`.")
    querystring: list[Pair] = entries("The query arguments to rename: `old:new`.")


class Values(StrictModel):
    """What gets values."""

    body: list[TemplatePair] = entries(f"Body fields: {_ANYWHERE}.")
    headers: list[HeaderTemplate] = entries(f"Headers: {_ANYWHERE}.")
    querystring: list[TemplatePair] = entries(f"Query arguments: {_ANYWHERE}.")


class Replace(Values):
    """What gets other values, where it is there."""

    uri: UriTemplate | None = Field(
        default=None,
        description="The path that is sent to the upstream, maybe with templates; the query stays.",
    )


class Config(StrictModel):
    """Change requests: first the path, then method, headers, body and query.

    In each: remove, rename, replace what is there, add what is not, append another value.
    Bodies are changed when they are JSON objects, urlencoded or multipart forms. Templates `$(…)`
    hold Lua over `headers`, `query_params`, `uri_captures` and `shared` as they came; they run in
    the sandbox, for 0.1 seconds at most, and one that fails is a 500.
    """

    http_method: MethodName | None = Field(
        default=None,
        description="The method for the upstream. With GET, HEAD and TRACE the fields of an "
        "urlencoded form go into the query too.",
    )
    remove: Remove = Field(default_factory=Remove, description="What is removed.")
    rename: Rename = Field(default_factory=Rename, description="What gets another name.")
    replace: Replace = Field(
        default_factory=Replace, description="What gets another value, where it is there."
    )
    add: Values = Field(default_factory=Values, description="What gets a value, where it has none.")
    append: Values = Field(default_factory=Values, description="What gets one value more.")
