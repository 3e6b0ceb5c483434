# SPDX-License-Identifier: Apache-2.0
"""All balancers of a worker, and what it knows of the health of their peers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from weakref import WeakSet

from gateway.proxy.balancing.balancer import Balancer
from gateway.proxy.balancing.discovery import all_found
from gateway.proxy.balancing.health import PeerState
from gateway.proxy.balancing.passive_checks import HealthReport
from gateway.proxy.balancing.peer import PeerId
from gateway.proxy.resolver import Resolver
from gateway.tasks import WorkSlices

Row = Mapping[str, Any]
ByName = Mapping[str, Balancer]
PeerStates = Sequence[tuple[PeerId, PeerState]]


class Balancers:
    """Makes them, and lets them know who is healthy. ``report`` takes what requests tell of it."""

    def __init__(self, resolver: Resolver) -> None:
        self.report: Callable[[HealthReport], object] = lambda _: None
        self._resolver = resolver
        self._health: defaultdict[str, dict[PeerId, PeerState]] = defaultdict(dict)
        self._open: WeakSet[Balancer] = WeakSet()

    async def make(
        self, upstreams: Iterable[Row], targets: Iterable[Row], before: ByName
    ) -> ByName:
        """Return the balancers of upstreams by name, and begin to look names up.

        Those that would be the same are taken from ``before``. Requests get their turn in between:
        a ring takes long to make.
        """
        by_upstream: defaultdict[str, list[Row]] = defaultdict(list)
        for row in targets:
            by_upstream[row["upstream"]].append(row)
        found: dict[str, Balancer] = {}
        turn = WorkSlices()
        for row in upstreams:
            name = row["name"]
            found[name] = self.renewed(row, by_upstream[row["id"]], before.get(name))
            await turn.give()
        return found

    def renewed(self, row: Row, targets: Sequence[Row], before: Balancer | None = None) -> Balancer:
        """Return the balancer of an upstream: ``before`` if it is of the same rows, else another.

        Needs the running loop.
        """
        if before is not None and before.row == row and before.target_rows == targets:
            return before
        health = self._health[row["id"]]
        made = Balancer(
            row,
            targets,
            self._resolver,
            health,
            report=lambda report: self.report(report),
            before=before,
        )
        self._open.add(made)
        made.start()
        return made

    async def found(self, balancers: Iterable[Balancer], within: float) -> None:
        """Wait until all targets have been looked up, but not for longer than that."""
        await all_found([one.targets for one in balancers], within)

    def take(self, upstream: str, states: PeerStates) -> None:
        """Take over how the peers of an upstream stand; those that are not named are healthy."""
        known = self._health[upstream]
        known.clear()
        known.update(states)
        for balancer in self._open:
            if balancer.id == upstream:
                balancer.renew_health()

    def close(self) -> None:
        """Look nothing up any more."""
        for balancer in self._open:
            balancer.close()
