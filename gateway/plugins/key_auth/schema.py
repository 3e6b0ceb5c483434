# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``key-auth`` (router.md §8)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.entities.base import Record
from gateway.entities.types import NonEmpty

_Name = Annotated[str, Field(pattern="^[A-Za-z0-9_-]+$")]


def _apikey() -> list[str]:
    return ["apikey"]


class Config(Record):
    """Ask each request for a consumer's API key."""

    key_names: Annotated[list[_Name], Field(min_length=1)] = Field(
        default_factory=_apikey,
        description="The names of the headers, query arguments and body fields that may hold the "
        "key; the first one found counts.",
    )
    key_in_header: bool = Field(default=True, description="Whether the key may be in a header.")
    key_in_query: bool = Field(
        default=True, description="Whether the key may be in a query argument."
    )
    key_in_body: bool = Field(
        default=False, description="Whether the key may be in a field of a form or a JSON object."
    )
    hide_credentials: bool = Field(
        default=False,
        description="Whether keys are taken out of the request, so that neither the upstream nor "
        "a record gets them.",
    )
    anonymous: NonEmpty | None = Field(
        default=None,
        description="The id or user name of the consumer as whom requests without a valid key "
        "pass; without it they are refused.",
    )
    run_on_preflight: bool = Field(
        default=True, description="Whether OPTIONS requests need a key too."
    )
    realm: str | None = Field(
        default=None, description="The realm named in the header WWW-Authenticate of a refusal."
    )
