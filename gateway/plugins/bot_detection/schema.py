# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``bot-detection``, with the fields of Kong 3.10 (its schema.lua)."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.entities.base import StrictModel
from gateway.entities.types import invalid
from gateway.plugins.bot_detection.patterns import problem_of


def _regex(value: str) -> str:
    problem = problem_of(value)
    if problem:
        raise invalid(f"not a regex: {value}: {problem}")
    return value


_Regex = Annotated[str, AfterValidator(_regex)]


def _nothing() -> list[str]:
    return []


class Config(StrictModel):
    """Refuse clients that call themselves bots, by their header User-Agent."""

    allow: list[_Regex] = Field(
        default_factory=_nothing,
        description="Regular expressions of clients that pass, whatever else matches. They are "
        "searched anywhere in the header, and upper and lower case differ.",
    )
    deny: list[_Regex] = Field(
        default_factory=_nothing,
        description="Regular expressions of clients that are refused, beside the well-known bots "
        "and HTTP libraries.",
    )
