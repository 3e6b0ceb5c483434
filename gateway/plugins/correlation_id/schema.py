# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``correlation-id``, with the fields of Kong 3.14 (its schema.lua)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.entities.base import StrictModel
from gateway.entities.types import HeaderName


class Config(StrictModel):
    """Give each request an id that goes along to the upstream, the record and the logs.

    An id that the client sends is kept when it has up to 256 visible ASCII characters.
    """

    header_name: HeaderName = Field(
        default="Kong-Request-ID", description="The header that holds the id."
    )
    generator: Literal["uuid", "uuid#counter", "tracker"] = Field(
        default="uuid#counter",
        description="How ids are made: a UUID each; the UUID of the worker and a count; or address "
        "and port of the gateway, worker, connection, request on it, and time.",
    )
    echo_downstream: bool = Field(
        default=False, description="Whether the response to the client has the header too."
    )
