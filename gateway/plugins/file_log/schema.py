# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``file-log``, with the fields of Kong 3.10 (its schema.lua)."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.entities.types import invalid
from gateway.plugins.logging.fields import LogFields

_GOOD = re.compile(r"[^*&%\\`\x00-\x1f]+")


def _check_path(value: str) -> str:
    if value != value.strip() or _GOOD.fullmatch(value) is None:
        raise invalid("not a valid filename")
    return value


class Config(LogFields):
    """Append an entry for each request to a file, a line of JSON each.

    Lines of several workers never mix. What a full disk or a pipe without a reader does not take
    waits in memory, 10,000 entries or 32 MiB a worker; then the oldest are dropped and counted.
    """

    path: Annotated[str, AfterValidator(_check_path)] = Field(
        description="The file, made when it is not there; its folder must be there. A named pipe "
        "or `/dev/stdout` will do. No `*`, `&`, `%`, backslash or backtick."
    )
    reopen: bool = Field(
        default=False,
        description="Whether the file is opened anew for each write. Else a file that was moved "
        "away is still the one that is written to.",
    )
