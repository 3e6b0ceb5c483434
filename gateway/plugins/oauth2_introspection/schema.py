# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``oauth2-introspection``, with the fields of Kong 3.10 (its reference)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.entities.base import Hint, StrictModel
from gateway.entities.types import HeaderName, MayBeEmpty, Number, TokenUrl
from gateway.entities.versions import by_version


class Config(StrictModel):
    """Ask an OAuth 2 server about the token of each request (RFC 7662)."""

    introspection_url: Annotated[TokenUrl, Hint(referenceable=True)] = Field(
        description="The introspection endpoint."
    )
    authorization_value: Annotated[str, Hint(referenceable=True, encrypted=True)] = Field(
        description="The header Authorization with which the endpoint is asked."
    )
    token_type_hint: str | None = Field(
        default=None, description="The field token_type_hint of the request."
    )
    ttl: Annotated[Number, Field(ge=0)] = Field(
        default=30,
        description="How many seconds an answer is kept, never beyond the token's end; 0: as long "
        "as the token is good, a day at most. That a token is not active is kept for 5 seconds.",
    )
    timeout: Annotated[int, Field(ge=1, le=2147483646)] = Field(
        default=10000, description="How long a request may take, in milliseconds."
    )
    keepalive: Annotated[int, Field(ge=0, le=2147483646)] = Field(
        default=60000,
        description="How long a connection stays open, in milliseconds; 0: it is closed at once. "
        "Other values have no effect.",
    )
    introspect_request: bool = Field(
        default=False,
        description="Whether the endpoint is told path and method of the request, in the headers "
        "X-Request-Path and X-Request-Http-Method.",
    )
    hide_credentials: bool = by_version(
        False,
        True,
        description="Whether the token is taken out of the request, so that neither the upstream "
        "nor a record gets it.",
    )
    run_on_preflight: bool = Field(
        default=True, description="Whether OPTIONS requests need a token too."
    )
    anonymous: MayBeEmpty = Field(
        default="",
        description="The id or user name of the consumer as whom requests without an active token "
        "pass; when it is empty they are refused.",
    )
    consumer_by: Literal["client_id", "username"] = Field(
        default="username",
        description="Whether the consumer is found by the token's `username`, or its `client_id`, "
        "which is compared with consumers' `custom_id`.",
    )
    custom_introspection_headers: dict[str, Annotated[str, Hint(referenceable=True)]] = Field(
        default_factory=dict, description="Further headers of the request."
    )
    custom_claims_forward: Annotated[list[HeaderName], Hint(set=True)] = Field(
        default_factory=list,
        description="Further members of the answer that the upstream gets, in headers "
        "X-Credential-… of their names.",
    )
