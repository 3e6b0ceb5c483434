# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``acl``, with the fields of Kong 3.10 (its schema.lua)."""

from __future__ import annotations

from pydantic import Field, model_validator

from gateway.entities.base import StrictModel, violation


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

    @model_validator(mode="after")
    def _check(self) -> Config:
        given = [name for name in ("allow", "deny") if getattr(self, name)]
        if not given:
            text = "at least one of these fields must be non-empty: 'config.allow', 'config.deny'"
            raise violation([text])
        if len(given) > 1:
            text = "exactly one of these fields must be non-empty: 'config.allow', 'config.deny'"
            raise violation([text])
        return self
