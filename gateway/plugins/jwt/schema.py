# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``jwt``, with the fields of Kong 3.10 (its schema.lua)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway.entities.base import Hint, StrictModel, failed_condition, violation


def _jwt() -> list[str]:
    return ["jwt"]


def _authorization() -> list[str]:
    return ["authorization"]


class Config(StrictModel):
    """Ask each request for a token that a consumer's key has signed."""

    uri_param_names: Annotated[list[str], Hint(set=True)] = Field(
        default_factory=_jwt,
        description="The query arguments that may hold the token.",
    )
    cookie_names: Annotated[list[str], Hint(set=True)] = Field(
        default_factory=list, description="The cookies that may hold the token."
    )
    header_names: Annotated[list[str], Hint(set=True)] = Field(
        default_factory=_authorization,
        description="The headers that may hold the token, behind the word Bearer.",
    )
    key_claim_name: str = Field(
        default="iss",
        description="The claim, or the field of the token's header (`kid` for example), by which "
        "the credential is found.",
    )
    secret_is_base64: bool = Field(
        default=False,
        description="Whether credentials hold their secret in base64url; only for HS algorithms.",
    )
    claims_to_verify: Annotated[list[Literal["exp", "nbf"]], Hint(set=True)] | None = Field(
        default=None,
        description="Which of the times in a token are verified: `exp`, its end, and `nbf`, its "
        "beginning. By default neither is.",
    )
    maximum_expiration: Annotated[float, Field(ge=0, le=31536000)] = Field(
        default=0,
        description="How many seconds a token may still be good for at most; 0: any number. It "
        "needs `exp` among `claims_to_verify`.",
    )
    anonymous: str | None = Field(
        default=None,
        description="The id or user name of the consumer as whom requests without a valid token "
        "pass; without it they are refused.",
    )
    run_on_preflight: bool = Field(
        default=True, description="Whether OPTIONS requests need a token too."
    )
    realm: str | None = Field(
        default=None, description="The realm named in the header WWW-Authenticate of a refusal."
    )

    @model_validator(mode="after")
    def _check(self) -> Config:
        if self.maximum_expiration > 0 and "exp" not in (self.claims_to_verify or ()):
            raise violation(
                [failed_condition("config.maximum_expiration")],
                {"claims_to_verify": "expected to contain: exp"},
            )
        return self
