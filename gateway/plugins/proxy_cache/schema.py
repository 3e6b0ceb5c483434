# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``proxy-cache``, with the fields of Kong 3.10 (its schema.lua)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from gateway.entities.base import Hint, StrictModel

_Method = Literal["GET", "HEAD", "POST", "PATCH", "PUT"]
_Methods = Annotated[list[_Method], Hint(set=True)]
_Codes = Annotated[list[Annotated[int, Field(ge=100, le=900)]], Field(min_length=1)]
_Names = list[str] | None


class CacheMemory(StrictModel):
    """Where the strategy `memory` keeps responses."""

    dictionary_name: str = Field(
        default="kong_db_cache",
        description="Accepted for compatibility; changes nothing: all share the node's store.",
    )


def _shown(what: str) -> Any:
    return (bool, Field(default=True, description=f"Whether responses have the header {what}."))


CacheHeaders: Any = create_model(
    "CacheHeaders",
    __base__=StrictModel,
    __doc__="Which headers tell clients of the cache.",
    **{
        "age": _shown("Age, when they come from the cache"),
        "X-Cache-Status": _shown("X-Cache-Status"),
        "X-Cache-Key": _shown("X-Cache-Key"),
    },
)


class CacheSettings(StrictModel):
    """What both plugins have in common."""

    request_method: _Methods = Field(
        default=["GET", "HEAD"],
        description="The methods whose responses are kept. Of a request with a body the body "
        "decides too.",
    )
    response_code: _Codes = Field(
        default=[200, 301, 404],
        description="The statuses that are kept; 206, 304, 412 and 416 never are: they respond to "
        "a part or a condition that one request asked for.",
    )
    content_type: list[str] = Field(
        default=["text/plain", "application/json"],
        description="The content types that are kept. `*` stands for any type or subtype. "
        "Parameters must be the same: `application/json` is not "
        "`application/json; charset=utf-8`; `application/json; *` is either.",
    )
    cache_ttl: Annotated[int, Field(gt=0)] = Field(
        default=300, description="Seconds for which a kept response is fresh."
    )
    storage_ttl: int | None = Field(
        default=None,
        description="Seconds for which a response stays in the store, fresh or not; without it for "
        "as long as it is fresh.",
    )
    cache_control: bool = Field(
        default=False,
        description="Whether the Cache-Control headers of requests and responses decide "
        "(RFC 9111).",
    )
    ignore_uri_case: bool = Field(
        default=False, description="Whether paths that differ in case share a response."
    )
    vary_query_params: _Names = Field(
        default=None,
        description="The query arguments that tell requests apart; all of them when not set.",
    )
    vary_headers: _Names = Field(
        default=None,
        description="The request headers that tell requests apart, beside Authorization and those "
        "that the upstream names in Vary. Cookie does only where it is named.",
    )
    memory: CacheMemory = Field(
        default_factory=CacheMemory, description="Settings of the strategy `memory`."
    )
    response_headers: CacheHeaders = Field(
        default_factory=CacheHeaders,
        description="Which headers tell clients of the cache; `Kong-Debug` in a request shows all.",
    )


class Config(CacheSettings):
    """Keep the upstream's responses, and give them again."""

    strategy: Literal["memory"] = Field(
        description="Where responses are kept: in the memory of the node, shared by its workers."
    )
