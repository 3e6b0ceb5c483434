# SPDX-License-Identifier: Apache-2.0
"""Peers: the addresses behind an upstream's targets."""

from __future__ import annotations

from typing import NamedTuple

PeerId = tuple[str, str, int]
"""Host, address and port: by what a peer is known over releases and between processes."""


class TargetAddress(NamedTuple):
    """Where a target is, as DNS says, and the share of requests that goes there."""

    host: str
    """The target's own name, or its address."""
    ip: str
    port: int
    weight: float
    name: str = ""
    """The name in the SRV record that led here."""

    @property
    def id(self) -> PeerId:
        """The peer that is at this address."""
        return (self.host, self.ip, self.port)

    @property
    def shown(self) -> str:
        """The address with its port, as health is reported of it."""
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


class Peer:
    """One address of a balancer, with what its algorithm counts of it.

    It stays the same when others come and go, and when its weight changes.
    """

    __slots__ = ("address", "available", "average", "id", "open", "weight")

    def __init__(self, address: TargetAddress) -> None:
        self.id = address.id
        self.address = address
        self.weight = address.weight
        self.available = True
        """Whether it is healthy: only then does it get requests."""
        self.open = 0
        """Requests under way."""
        self.average: float | None = None
        """Seconds until a response, weighted by age; None before the first."""

    def move(self, address: TargetAddress) -> None:
        """Take the weight and the names that DNS says now."""
        self.address = address
        self.weight = address.weight
