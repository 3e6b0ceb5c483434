# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``acl``, with the fields of Kong 3.10 (its schema.lua)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from gateway.entities.base import Conditions, StrictModel, at_least_one_of


class Config(StrictModel):
    """Let consumers pass, or refuse them, by the groups that they are in."""

    allow: list[str] | None = Field(
        default=None, description="The groups whose members pass; all others are refused."
    )
    deny: list[str] | None = Field(
        default=None, description="The groups whose members are refused; all others pass."
    )
    hide_groups_header: bool = Field(
        default=False,
        description="Whether upstreams and records do without the header `X-Consumer-Groups` or "
        "`X-Authenticated-Groups`.",
    )
    always_use_authenticated_groups: bool = Field(
        default=False,
        description="Whether groups that a token or a certificate names count also for a consumer "
        "that is known, in place of its own.",
    )
    include_consumer_groups: bool = Field(
        default=False,
        description="Whether the consumer groups that a consumer is in count as its groups too.",
    )

    @classmethod
    def conditions(cls, data: Mapping[str, Any]) -> Conditions:
        """Return what is wrong unless one of both lists is given; both checks of Kong see none."""
        given = [name for name in ("allow", "deny") if data.get(name)]
        if len(given) == 1:
            return [], {}
        one = "exactly one of these fields must be non-empty: 'config.allow', 'config.deny'"
        return [one] if given else [one, at_least_one_of(("config.allow", "config.deny"))], {}

    @model_validator(mode="after")
    def _check(self) -> Config:
        self.check_conditions()
        return self
