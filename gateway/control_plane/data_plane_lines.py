# SPDX-License-Identifier: Apache-2.0
"""What there is to say of each data plane: how it is, and how far behind the newest release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.control_plane.clustering.data_planes import DataPlane, DataPlanes
from gateway.control_plane.publisher import Publisher
from gateway.hybrid.config_hash import ZERO_HASH

_LOOKED_AT = 200
"""Releases among which the one of a hash is looked for."""
SOON = 14 * 86400
"""Seconds before its end at which a certificate is worth a word."""

Condition = Literal["current", "behind", "refuses", "incompatible", "away"]


@dataclass(frozen=True)
class DataPlaneLine:
    """One data plane as it is shown."""

    node: DataPlane
    condition: Condition
    release: int | None
    """Which release its configuration is of; None: none, or one too long ago."""
    behind: int | None
    """Releases between that one and the newest."""
    reason: str
    """Why it does not serve the newest; empty where it does or has not said."""

    @property
    def serves(self) -> bool:
        """Whether it has a configuration at all."""
        return self.node.config_hash != ZERO_HASH


class DataPlaneLines:
    """Makes them, the ones in trouble first."""

    def __init__(self, publisher: Publisher, data_planes: DataPlanes) -> None:
        self._publisher = publisher
        self._data_planes = data_planes
        self._known: dict[str, int] = {}

    async def lines(self) -> list[DataPlaneLine]:
        """Return all, by condition and name."""
        nodes = list(self._data_planes)
        await self._look_up({node.config_hash for node in nodes})
        order: list[Condition] = ["refuses", "incompatible", "away", "behind", "current"]
        lines = [self._line(node) for node in nodes]
        return sorted(lines, key=lambda one: (order.index(one.condition), one.node.hostname))

    async def _look_up(self, hashes: set[str]) -> None:
        """Find out of which releases hashes are that were not pushed lately."""
        judge = self._publisher.judge
        unknown = {
            one
            for one in hashes - {ZERO_HASH}
            if judge.release_of(one) is None and one not in self._known
        }
        if not unknown:
            return
        store = self._publisher.releases.store
        found = await self._publisher.call(lambda: store.list(_LOOKED_AT))
        self._known = {one.hash: one.number for one in reversed(found) if one.hash}

    def _line(self, node: DataPlane) -> DataPlaneLine:
        newest = self._publisher.newest
        judge = self._publisher.judge
        release = judge.release_of(node.config_hash) or self._known.get(node.config_hash)
        if newest is not None and newest.hash and node.config_hash == newest.hash:
            release = newest.number
        behind = None if newest is None or release is None else max(0, newest.number - release)
        contact = self._data_planes.contact(node.id)
        refusals = [one.text for one in judge.refusals if one.node == node.id]
        condition: Condition = "current" if behind == 0 or newest is None else "behind"
        reason = ""
        if self._data_planes.is_elsewhere(node):
            reason = "" if node.problem is None else node.problem[1]
        elif not contact.sessions:
            condition = "away"
        elif contact.withheld is not None:
            condition, reason = "incompatible", contact.withheld[1]
        elif refusals:
            condition, reason = "refuses", "; ".join(refusals)
        return DataPlaneLine(node, condition, release, behind, reason)
