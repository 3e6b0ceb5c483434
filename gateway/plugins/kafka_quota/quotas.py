# SPDX-License-Identifier: Apache-2.0
"""One quota: so many records or bytes in a period."""

from __future__ import annotations

from typing import NamedTuple

from gateway.plugins.limiting.periods import Limit
from gateway.plugins.shared_counters import SharedCounters

_LARGEST = 1 << 30
"""What the node's counters hold with room to spare; beyond, several bytes are counted as one."""


class Quota:
    """``kind`` is ``records`` or ``bytes``."""

    def __init__(
        self, scope: str, kind: str, period: str, most: float, counters: SharedCounters
    ) -> None:
        self.kind = kind
        self._counts_records = kind == "records"
        self.limit = Limit(f"{scope}\n{kind}", period, most, counters)
        self.unit = max(1, -(-self.limit.most // _LARGEST))
        self.most = self.limit.most // self.unit
        self.title = kind.title().encode() + b"-" + self.limit.title

    def amount(self, records: int, size: int) -> int:
        """Return what a request takes of it, in its units."""
        taken = records if self._counts_records else size
        return taken if self.unit == 1 else -(-taken // self.unit)

    @property
    def text(self) -> str:
        """What it allows, in words."""
        return f"{self.limit.most} {self.kind} a {self.limit.period}"


class Charge(NamedTuple):
    """What a request takes of a quota for one topic."""

    quota: Quota
    topic: str
    amount: int
