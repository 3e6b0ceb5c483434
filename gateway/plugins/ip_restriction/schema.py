# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``ip-restriction``, with the fields of Kong 3.10 (its schema.lua)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from gateway.entities.base import Conditions, StrictModel, at_least_one_of
from gateway.entities.types import invalid

_FORM = re.compile(r"[0-9A-Fa-f.:]+(?:/[0-9]{1,3})?")
"""Neither the mask of a network nor the zone of an address."""


def _network(value: str) -> str:
    try:
        if _FORM.fullmatch(value) is None:
            raise ValueError
        ip_network(value, strict=False)
    except ValueError:
        raise invalid(f"invalid ip or cidr range: '{value}'") from None
    return value


_Network = Annotated[str, AfterValidator(_network)]


class Config(StrictModel):
    """Let clients pass, or refuse them, by their address."""

    allow: list[_Network] | None = Field(
        default=None,
        description="The addresses and networks whose clients pass; all others are refused.",
    )
    deny: list[_Network] | None = Field(
        default=None,
        description="The addresses and networks whose clients are refused, also where `allow` "
        "names them.",
    )
    status: Annotated[int, Field(ge=400, le=599)] | None = Field(
        default=None, description="The status of a refusal; 403 when it is not given."
    )
    message: str | None = Field(
        default=None,
        description="The message of a refusal; the address, when it is not given.",
    )

    @classmethod
    def conditions(cls, data: Mapping[str, Any]) -> Conditions:
        """Return what is wrong when neither list is given."""
        if data.get("allow") or data.get("deny"):
            return [], {}
        return [at_least_one_of(("config.allow", "config.deny"))], {}

    @model_validator(mode="after")
    def _check(self) -> Config:
        self.check_conditions()
        return self
