# SPDX-License-Identifier: Apache-2.0
"""The ``schema_registry`` block of the plugins that write records."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway.entities.base import Hint, StrictModel, violation
from gateway.entities.types import HttpUrl, Number, ProxyUrl, TokenUrl

Secret = Annotated[str, Hint(referenceable=True, encrypted=True)]
"""A string that may be a vault reference and is never shown."""


class RegistryBasic(StrictModel):
    """User name and password for the registry."""

    username: Secret = Field(description="The user name shown to the schema registry.")
    password: Secret = Field(description="The password shown to the schema registry.")


class RegistryOAuth2(StrictModel):
    """Where and how a token for the registry is fetched."""

    token_endpoint: TokenUrl = Field(description="The URL from which tokens are fetched.")
    grant_type: Literal["client_credentials", "password"] = Field(
        default="client_credentials",
        description="The OAuth 2 grant with which a token is asked for.",
    )
    client_id: Secret | None = Field(
        default=None, description="The client id shown to the token endpoint."
    )
    client_secret: Secret | None = Field(
        default=None, description="The client secret shown to the token endpoint."
    )
    username: Secret | None = Field(
        default=None, description="The user name for the grant type `password`."
    )
    password: Secret | None = Field(
        default=None, description="The password for the grant type `password`."
    )
    scopes: list[str] = Field(
        default_factory=lambda: ["openid"], description="The scopes that are asked for."
    )
    audience: list[str] = Field(
        default_factory=list, description="The audiences that are asked for."
    )
    token_headers: dict[str, Annotated[str, Hint(referenceable=True)]] | None = Field(
        default=None, description="Further headers of the token request."
    )
    token_post_args: dict[str, Annotated[str, Hint(referenceable=True)]] | None = Field(
        default=None, description="Further form fields of the token request."
    )


class RegistryOAuth2Client(StrictModel):
    """How the token endpoint is talked to."""

    auth_method: Literal[
        "client_secret_basic", "client_secret_jwt", "client_secret_post", "none"
    ] = Field(
        default="client_secret_post",
        description="How the client proves itself to the token endpoint.",
    )
    client_secret_jwt_alg: Literal["HS256", "HS512"] = Field(
        default="HS512", description="The algorithm that signs `client_secret_jwt` assertions."
    )
    http_proxy: ProxyUrl | None = Field(
        default=None, description="The proxy used when the token endpoint's URL is plain HTTP."
    )
    http_proxy_authorization: str | None = Field(
        default=None, description="The Proxy-Authorization header for `http_proxy`."
    )
    http_version: Number = Field(
        default=1.1, description="The HTTP version spoken with the token endpoint: 1.1 or 1.0."
    )
    https_proxy: ProxyUrl | None = Field(
        default=None, description="The proxy used when the token endpoint's URL is HTTPS."
    )
    https_proxy_authorization: str | None = Field(
        default=None, description="The Proxy-Authorization header for `https_proxy`."
    )
    keep_alive: bool = Field(
        default=True, description="Whether connections to the token endpoint are kept open."
    )
    no_proxy: str | None = Field(
        default=None, description="Hosts, separated by commas, that are reached without a proxy."
    )
    ssl_verify: bool = Field(
        default=True, description="Whether the token endpoint's certificate is verified."
    )
    timeout: Annotated[int, Field(ge=0, le=2147483646)] = Field(
        default=10000, description="How long a token request may take, in milliseconds."
    )


class RegistryAuthentication(StrictModel):
    """How the gateway proves itself to the registry."""

    mode: Literal["none", "basic", "oauth2"] = Field(
        default="none", description="The kind of authentication the schema registry asks for."
    )
    basic: RegistryBasic | None = Field(
        default=None, description="User name and password, for the mode `basic`."
    )
    oauth2: RegistryOAuth2 | None = Field(
        default=None, description="Where tokens come from, for the mode `oauth2`."
    )
    oauth2_client: RegistryOAuth2Client | None = Field(
        default=None, description="How the token endpoint is talked to, for the mode `oauth2`."
    )
    identity_pool_id: str | None = Field(
        default=None,
        description="The identity pool sent with `oauth2` as header Confluent-Identity-Pool-Id.",
    )
    logical_cluster_id: str | None = Field(
        default=None,
        description="The registry's cluster id sent as the header target-sr-cluster; Confluent "
        "Cloud needs it with `oauth2`.",
    )

    @model_validator(mode="after")
    def _check_mode(self) -> RegistryAuthentication:
        if self.mode == "basic" and self.basic is None:
            raise violation([], {"basic": "details are required when mode is basic"})
        if self.mode == "oauth2" and self.oauth2 is None:
            raise violation([], {"oauth2": "details are required when mode is oauth2"})
        return self


class RegistrySchema(StrictModel):
    """Which schema serialises a key or a value."""

    subject_name: str | None = Field(
        default=None, description="The subject the schema is registered under."
    )
    schema_version: str | None = Field(
        default=None, description='The version of the schema: a number in quotes, or "latest".'
    )
    payload_encoding: Literal["avro_json", "simple_json"] = Field(
        default="avro_json",
        description="How JSON stands for Avro data: with types named in unions (`avro_json`) or "
        "plainly (`simple_json`).",
    )


class ConfluentRegistry(StrictModel):
    """A registry that speaks Confluent's protocol."""

    url: HttpUrl | None = Field(
        default=None, description="The registry's base URL, over http or https."
    )
    ttl: Annotated[Number, Field(ge=0, le=3600)] | None = Field(
        default=None,
        description="How long a fetched schema is kept, in seconds; 300 when it is not set.",
    )
    ssl_verify: bool = Field(
        default=True, description="Whether the registry's certificate is verified."
    )
    authentication: RegistryAuthentication | None = Field(
        default=None, description="How the gateway proves itself to the registry."
    )
    key_schema: RegistrySchema | None = Field(
        default=None, description="The schema that serialises the record's key."
    )
    value_schema: RegistrySchema | None = Field(
        default=None, description="The schema that serialises the record's value."
    )


class SchemaRegistry(StrictModel):
    """The registry with the schemas of records; there is one kind."""

    confluent: ConfluentRegistry | None = Field(
        default=None, description="A registry that speaks Confluent's protocol."
    )
