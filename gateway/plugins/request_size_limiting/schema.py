# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``request-size-limiting``, with the fields of Kong 3.15 (its schema.lua)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.entities.base import StrictModel

_UNITS = {"megabytes": 1 << 20, "kilobytes": 1 << 10, "bytes": 1}


class Config(StrictModel):
    """Let only bodies up to a size pass."""

    allowed_payload_size: int = Field(
        default=128, description="The largest size of a body, in `size_unit`."
    )
    size_unit: Literal["megabytes", "kilobytes", "bytes"] = Field(
        default="megabytes", description="The unit of the size: 2^20, 2^10 or 1 byte."
    )
    require_content_length: bool = Field(
        default=False,
        description="Whether a request must say how long its body is, unless it comes in chunks.",
    )

    def most(self) -> int:
        """Return the size in bytes."""
        return self.allowed_payload_size * _UNITS[self.size_unit]
