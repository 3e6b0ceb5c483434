# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``request-termination``, with the fields of Kong 3.14 (its schema.lua)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from gateway.entities.base import StrictModel
from gateway.entities.types import HeaderName, invalid


class Config(StrictModel):
    """Respond to each request with a fixed response, and pass none on.

    On a route that produces records it runs before the plugin that does, so that no record is
    written; elsewhere it is the last but for `post-function`.
    """

    status_code: Annotated[int, Field(ge=100, le=599)] = Field(
        default=503, description="The status of the response."
    )
    message: str | None = Field(
        default=None,
        description="The message of the response, a JSON object with the field `message`. The "
        "usual statuses have one of their own. Not beside `body` or `content_type`.",
    )
    content_type: str | None = Field(
        default=None, description="The Content-Type of `body`; without it there is none."
    )
    body: str | None = Field(default=None, description="The body of the response, as it is sent.")
    echo: bool = Field(
        default=False,
        description="Whether the response shows the request, for debugging: headers, query and "
        "body with all that is secret in them.",
    )
    trigger: HeaderName | None = Field(
        default=None,
        description="The header or query argument without which requests pass.",
    )

    @model_validator(mode="after")
    def _check(self) -> Config:
        if self.message and (self.content_type or self.body):
            raise invalid("message cannot be used with content_type or body")
        if self.content_type and not self.body:
            raise invalid("content_type requires a body")
        if self.echo and (self.content_type or self.body):
            raise invalid("echo cannot be used with content_type and body")
        return self
