# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``hmac-auth``, with the fields of Kong 3.10 and those that came later."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.entities.base import StrictModel
from gateway.entities.types import Number
from gateway.entities.versions import by_version

_Algorithm = Literal["hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"]


def _nothing() -> list[str]:
    return []


class Config(StrictModel):
    """Ask each request for a signature by a consumer's secret."""

    hide_credentials: bool = by_version(
        False,
        True,
        description="Whether the header with the signature is taken out of the request, so that "
        "neither the upstream nor a record gets it.",
    )
    clock_skew: Annotated[Number, Field(gt=0)] = Field(
        default=300,
        description="How many seconds the time in `Date` or `X-Date` may be off: it bounds for how "
        "long a request can be sent again.",
    )
    anonymous: str | None = Field(
        default=None,
        description="The id or user name of the consumer as whom requests without a valid "
        "signature pass; without it they are refused.",
    )
    validate_request_body: bool = Field(
        default=False,
        description="Whether the header `Digest` must hold the SHA-256 digest of the body.",
    )
    enforce_headers: list[str] = Field(
        default_factory=_nothing,
        description="The names that the client must have signed at least, as it writes them; "
        "`request-line` and `@request-target` stand for the request's own line.",
    )
    algorithms: list[_Algorithm] = by_version(
        ["hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512"],
        ["hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"],
        description="The algorithms that signatures may have.",
    )
    realm: str | None = Field(
        default=None, description="The realm named in the header WWW-Authenticate of a refusal."
    )
