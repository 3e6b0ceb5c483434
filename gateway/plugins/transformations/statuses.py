# SPDX-License-Identifier: Apache-2.0
"""Lists of statuses that limit what is done to a response: ``200``, ``400-499``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator

from gateway.entities.types import invalid

_ENTRY = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?")


def _check(entry: str) -> str:
    if _ENTRY.fullmatch(entry) is None:
        raise invalid("value must be status code or status code range: 200, 200-299")
    return entry


StatusEntry = Annotated[str, AfterValidator(_check)]


class Statuses:
    """The statuses that a list names; an empty one names all."""

    def __init__(self, entries: Sequence[str]) -> None:
        found = [_ENTRY.fullmatch(entry) for entry in entries]
        self._ranges = [
            (int(entry[1]), int(entry[2] or entry[1])) for entry in found if entry is not None
        ]

    def __contains__(self, status: int) -> bool:
        return not self._ranges or any(low <= status <= high for low, high in self._ranges)
