# SPDX-License-Identifier: Apache-2.0
"""Who made a release, from where and with what: ``ann from 10.0.0.7 with decK/1.65.0``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

_TEXT = re.compile(r"(?P<name>.*) from (?P<address>[0-9A-Fa-f.:]+)(?: with (?P<agent>.*))?", re.S)
_LONGEST = 200
_DECK = "deck/"


@dataclass(frozen=True)
class Author:
    """Who, the address of the caller, and its program as the User-Agent header names it."""

    name: str
    address: str = ""
    agent: str = ""

    def __str__(self) -> str:
        if not self.address:
            return self.name
        # So that the last "from" is always ours.
        agent = self.agent.replace(" from ", " ")[:_LONGEST]
        return f"{self.name} from {self.address}" + (f" with {agent}" if agent else "")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the author of a text; of one that names no address all of it is the name."""
        found = _TEXT.fullmatch(text)
        if found is None:
            return cls(text)
        return cls(found["name"], found["address"], found["agent"] or "")

    @property
    def session(self) -> str:
        """What several writes of this caller are together; empty when its program is not known."""
        return "deck sync" if self.agent.lower().startswith(_DECK) else ""
