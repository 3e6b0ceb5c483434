# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``mtls-auth``, with the fields of Kong 3.10 and those that came later."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway.entities.base import StrictModel, violation
from gateway.entities.types import Number, Port, Uuid
from gateway.entities.versions import by_version

_NOT_ASKED = "whether certificates are revoked is not asked here"
_REMEDY = "let certificates live for a short time, or take their consumer away"
_By = Literal["username", "custom_id"]


def _either() -> list[_By]:
    return ["custom_id", "username"]


def _nothing() -> list[str]:
    return []


class Config(StrictModel):
    """Ask each client for a certificate that one of some authorities has signed."""

    ca_certificates: Annotated[list[Uuid], Field(min_length=1)] = Field(
        description="The ids of the authorities (`ca_certificates`) that are trusted."
    )
    skip_consumer_lookup: bool = Field(
        default=False,
        description="Whether a certificate is enough by itself: no consumer is looked for, and "
        "its name is a group for `acl`.",
    )
    authenticated_group_by: Literal["CN", "DN"] = Field(
        default="CN",
        description="Which name that is: the common name, or the whole distinguished name.",
    )
    consumer_by: list[_By] = Field(
        default_factory=_either,
        description="The fields of consumers that may hold a name of the certificate; empty: only "
        "`mtls_auth_credentials` count.",
    )
    default_consumer: str | None = Field(
        default=None,
        description="The id or user name of the consumer of certificates that are good and whose "
        "names nobody has.",
    )
    anonymous: str | None = Field(
        default=None,
        description="The id or user name of the consumer as whom clients without a good "
        "certificate pass; without it they are refused.",
    )
    allow_partial_chain: bool = Field(
        default=False,
        description="Whether an intermediate authority may be trusted without the one above it.",
    )
    revocation_check_mode: Literal["SKIP", "IGNORE_CA_ERROR", "STRICT"] = Field(
        default="SKIP",
        description="Whether certificates are revoked is not asked. `IGNORE_CA_ERROR`, Kong's "
        "default, is taken and warned of: it lets pass whatever an authority does not answer for, "
        "and here none is asked. `STRICT` is refused.",
    )
    http_timeout: Number = Field(
        default=30000, description="Without effect: nobody is asked for revoked certificates."
    )
    cert_cache_ttl: Annotated[Number, Field(ge=0)] = Field(
        default=60000,
        description="For how many milliseconds a certificate is not checked again.",
    )
    cache_ttl: Number = Field(
        default=60, description="Without effect: consumers are looked up in memory."
    )
    http_proxy_host: str | None = Field(
        default=None, description="Without effect: no revocation list is fetched."
    )
    http_proxy_port: Port | None = Field(
        default=None, description="Without effect: no revocation list is fetched."
    )
    https_proxy_host: str | None = Field(
        default=None, description="Without effect: no revocation list is fetched."
    )
    https_proxy_port: Port | None = Field(
        default=None, description="Without effect: no revocation list is fetched."
    )
    send_ca_dn: bool = Field(
        default=False,
        description="Whether clients are told the names of the authorities, so that they can "
        "choose among their certificates.",
    )
    ssl_verify: bool = by_version(
        False, True, description="Without effect: nobody is asked for revoked certificates."
    )
    san_dirname_matcher: list[str] = Field(
        default_factory=_nothing,
        description="Must be empty: directory names in subject alternative names do not count.",
    )

    @model_validator(mode="after")
    def _check(self) -> Config:
        problems = {}
        if self.revocation_check_mode == "STRICT":
            problems["revocation_check_mode"] = f"{_NOT_ASKED}; set SKIP, and {_REMEDY}"
        if self.san_dirname_matcher:
            problems["san_dirname_matcher"] = "directory names are not compared here; leave it out"
        if problems:
            raise violation([], problems)
        return self

    def warnings(self) -> list[str]:
        """Return what is accepted and not done."""
        if self.revocation_check_mode != "IGNORE_CA_ERROR":
            return []
        return [f"revocation_check_mode: {_NOT_ASKED}, so revoked ones pass; {_REMEDY}"]
