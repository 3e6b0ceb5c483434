# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``key-auth``, with the fields of Kong 3.10 (its schema.lua)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway.entities.base import StrictModel, violation
from gateway.entities.types import HeaderName, Uuid
from gateway.entities.versions import by_version


def _apikey() -> list[str]:
    return ["apikey"]


class IdentityRealm(StrictModel):
    """Where keys are looked up; accepted as files of Konnect have it."""

    scope: Literal["cp", "realm"] = Field(
        default="cp",
        description="Where keys are: `cp`, in this configuration. `realm` is refused: Konnect's "
        "realms cannot be asked from here.",
    )
    id: Uuid | None = Field(default=None, description="The realm's id.")
    region: str | None = Field(default=None, description="The realm's region.")

    @model_validator(mode="after")
    def _check(self) -> IdentityRealm:
        if self.scope == "realm":
            text = "realms of Konnect cannot be asked from here; leave out the entry, or use cp"
            raise violation([], {"scope": text})
        return self


class Principals(StrictModel):
    """Kong Identity in place of consumers; accepted while it is off."""

    enabled: bool = Field(
        default=False, description="Must be false: Kong Identity cannot be asked from here."
    )
    directory: str = Field(
        default="default", description="The directory that would be asked; without effect."
    )
    error_on_miss: bool = Field(
        default=True, description="Whether an unknown key is an error; without effect."
    )

    @model_validator(mode="after")
    def _check(self) -> Principals:
        if self.enabled:
            text = "Kong Identity cannot be asked from here; set it to false, or use consumers"
            raise violation([], {"enabled": text})
        return self


class Config(StrictModel):
    """Ask each request for a consumer's API key."""

    key_names: Annotated[list[HeaderName], Field(min_length=1)] = Field(
        default_factory=_apikey,
        description="The names of the headers, query arguments and body fields that may hold the "
        "key; the first one found counts.",
    )
    key_in_header: bool = Field(default=True, description="Whether the key may be in a header.")
    key_in_query: bool = Field(
        default=True, description="Whether the key may be in a query argument."
    )
    key_in_body: bool = Field(
        default=False,
        description="Whether the key may be in a field of a form, a JSON object or a multipart "
        "body.",
    )
    hide_credentials: bool = by_version(
        False,
        True,
        description="Whether keys are taken out of the request, so that neither the upstream nor "
        "a record gets them.",
    )
    anonymous: str | None = Field(
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
    identity_realms: list[IdentityRealm] | None = Field(
        default=None, description="Where keys are looked up: nowhere but in this configuration."
    )
    principals: Principals | None = Field(
        default=None, description="Kong Identity in place of consumers; it must be off."
    )
