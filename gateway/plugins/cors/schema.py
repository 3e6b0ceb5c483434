# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``cors``, with the fields of Kong 3.14 (its schema.lua)."""

from __future__ import annotations

from typing import Annotated, Literal

import re2
from pydantic import AfterValidator, Field

from gateway.entities.base import StrictModel
from gateway.entities.types import Number, invalid

Method = Literal["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT"]


def all_methods() -> list[Method]:
    """Return the methods that pages may use where none are named."""
    return ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT"]


def _check_origin(value: str) -> str:
    if value != "*":
        try:
            re2.compile(value)
        except re2.error:
            raise invalid(f"'{value}' is not a valid regex") from None
    return value


Origin = Annotated[str, AfterValidator(_check_origin)]


class Config(StrictModel):
    """Let pages of other origins call: respond to preflights, and add the headers of CORS.

    A preflight is an OPTIONS request with `Origin` and `Access-Control-Request-Method`; others are
    passed on. It must match the route: one that is limited to methods needs OPTIONS among them.
    """

    origins: list[Origin] | None = Field(
        default=None,
        description="The origins that may call: `*`, origins as they are, or regexes of RE2, which "
        "must match the whole origin, or the whole host where they are without a colon. None: all. "
        "A single one that is no regex is told to every page.",
    )
    methods: list[Method] | None = Field(
        default_factory=all_methods, description="The methods that pages may use."
    )
    headers: list[str] | None = Field(
        default=None,
        description="The headers that pages may send; without any, those they ask for.",
    )
    exposed_headers: list[str] | None = Field(
        default=None, description="The headers of responses that pages may read."
    )
    credentials: bool = Field(
        default=False, description="Whether pages may send cookies and other credentials."
    )
    max_age: Number | None = Field(
        default=None, description="The seconds that a browser may remember a preflight."
    )
    private_network: bool = Field(
        default=False, description="Whether public pages may call into a private network."
    )
    preflight_continue: bool = Field(
        default=False, description="Whether preflights are passed on, for the upstream to respond."
    )
    allow_origin_absent: bool = Field(
        default=True, description="Whether responses to requests without `Origin` have the headers."
    )
