# SPDX-License-Identifier: Apache-2.0
"""An upstream as a node watches it: its targets, their health, and what is told of both."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.logs import get_logger
from gateway.proxy.balancing.discovery import FoundTarget, TargetList
from gateway.proxy.balancing.health import (
    HealthBook,
    PeerEvent,
    limits_of,
    probes,
    suffices,
    watches,
)
from gateway.proxy.balancing.peer import PeerId, TargetAddress
from gateway.proxy.balancing.probe import TargetProbe
from gateway.proxy.balancing.prober import TargetProber
from gateway.proxy.resolver import Resolver

_log = get_logger("gateway.upstreams")

Row = Mapping[str, Any]
OFF, HEALTHY, UNHEALTHY, DNS_ERROR = "HEALTHCHECKS_OFF", "HEALTHY", "UNHEALTHY", "DNS_ERROR"
"""Kong's words for the health of a target, an address or a balancer."""


class WatchedUpstream:
    """One for each upstream of a node. ``changed`` is called when the state of a peer is another.

    ``book`` is what was counted of its peers before; ``tls`` is for probes by https, and made with
    ``certificate``.
    """

    def __init__(
        self,
        row: Row,
        targets: Sequence[Row],
        resolver: Resolver,
        changed: Callable[[WatchedUpstream], object],
        *,
        book: HealthBook | None = None,
        tls: ssl.SSLContext | None = None,
        certificate: tuple[str, str] | None = None,
    ) -> None:
        checks = row.get("healthchecks") or {}
        self._made_of = (row, list(targets), certificate)
        self.id = str(row["id"])
        self.name = str(row["name"])
        self.watched = watches(checks)
        """Whether the health of its peers is found out at all."""
        self.book = book if book is not None and self.watched else HealthBook()
        self.targets = TargetList(targets, resolver, self._found)
        self._changed = changed
        self._threshold = float(checks.get("threshold") or 0)
        active = checks.get("active") or {}
        self._passive = limits_of(checks.get("passive") or {})
        self._active = limits_of(active)
        self._prober: TargetProber | None = None
        # Without the certificates that it needs a probe by https would only find that out.
        if probes(checks) and (tls is not None or active.get("type") != "https"):
            self._prober = TargetProber(active, TargetProbe(row, tls), self._peers, self._probed)
        if self.targets.found.is_set():
            self._found()

    def is_of(self, row: Row, targets: Sequence[Row], certificate: tuple[str, str] | None) -> bool:
        """Whether it was made of just this."""
        return self._made_of == (row, list(targets), certificate)

    def start(self) -> None:
        """Look targets up and probe them; needs the running loop."""
        self.targets.start()
        if self._prober is not None:
            self._prober.start()

    def close(self) -> None:
        """Watch no more; what was counted stays."""
        self.targets.close()
        if self._prober is not None:
            self._prober.close()

    def reported(self, peer: PeerId, event: PeerEvent) -> None:
        """Count what a request tells of a peer."""
        self._count(peer, event, self._passive[event], "request")

    def force(self, address: TargetAddress, *, healthy: bool) -> None:
        """Set the state of a peer."""
        if self.book.force(address.id, healthy=healthy):
            self._log_state(address.id, "set by hand")
            self._changed(self)

    def addresses(self) -> list[TargetAddress]:
        """Return the addresses of all targets."""
        return [address for target in self.targets.targets for address in target.addresses]

    # --- what is told ------------------------------------------------------------------------

    def health_of(self, address: TargetAddress) -> str:
        """Return Kong's word for the health of an address."""
        if not self.watched:
            return OFF
        return HEALTHY if self._is_up(address) else UNHEALTHY

    def described(self, target: FoundTarget) -> tuple[str, dict[str, Any]]:
        """Return the health of a target, and its addresses as Kong's ``data`` has them.

        A target is healthy as long as one of its addresses is.
        """
        found = [
            {
                "ip": address.ip,
                "port": address.port,
                "weight": address.weight,
                "health": self.health_of(address),
            }
            for address in target.addresses
        ]
        words = {one["health"] for one in found}
        health = next((word for word in (HEALTHY, UNHEALTHY, OFF) if word in words), DNS_ERROR)
        return health, {
            "host": target.host,
            "port": target.port,
            "dns": target.dns,
            "nodeWeight": target.weight,
            "weight": self._weights(target.addresses),
            "addresses": found,
        }

    def balancer_health(self) -> dict[str, Any]:
        """Return the health of the whole: enough of the weight is healthy, or not."""
        weights = self._weights(self.addresses())
        healthy = suffices(weights["available"], weights["total"], self._threshold)
        word = HEALTHY if healthy else UNHEALTHY
        hosts = [self.described(target)[1] for target in self.targets.targets]
        return {
            "id": self.id,
            "name": self.name,
            "health": word if self.watched else OFF,
            "balancer_health": word,
            "details": {"healthy": healthy, "weight": weights, "hosts": hosts},
        }

    def _weights(self, addresses: Sequence[TargetAddress]) -> dict[str, float]:
        total = sum(address.weight for address in addresses)
        available = sum(address.weight for address in addresses if self._is_up(address))
        return {"total": total, "available": available, "unavailable": total - available}

    # --- what is counted ---------------------------------------------------------------------

    def _is_up(self, address: TargetAddress) -> bool:
        return self.book.state(address.id).up

    def _peers(self, healthy: bool) -> list[TargetAddress]:
        return [
            address
            for address in self.addresses()
            if address.weight > 0 and self._is_up(address) is healthy
        ]

    def _probed(self, address: TargetAddress, event: PeerEvent) -> None:
        self._count(address.id, event, self._active[event], "probe")

    def _count(self, peer: PeerId, event: PeerEvent, limit: int, source: str) -> None:
        before = self.book.state(peer).up
        if not self.book.count(peer, event, limit):
            return
        if self.book.state(peer).up is not before:
            self._log_state(peer, f"{source}: {event.replace('_', ' ')}")
        self._changed(self)

    def _log_state(self, peer: PeerId, why: str) -> None:
        up = self.book.state(peer).up
        say, state = (_log.info, "healthy") if up else (_log.warning, "unhealthy")
        shown = TargetAddress(*peer, weight=0).shown
        say(f"a target is {state}", upstream=self.name, address=shown, reason=why)

    def _found(self) -> None:
        """Forget addresses that are no target's any more."""
        before = self.book.states()
        self.book.keep({address.id for address in self.addresses()})
        if self.book.states() != before:
            self._changed(self)
