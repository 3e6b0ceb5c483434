# SPDX-License-Identifier: Apache-2.0
"""What all connections of one worker share."""

from __future__ import annotations

import asyncio
from typing import Protocol

from gateway.http.application import Application
from gateway.http.clock import Clock
from gateway.http.forwarded import TrustedProxies
from gateway.http.generated_responses import TEXT
from gateway.http.heads import HeadWriter
from gateway.http.limits import Limits
from gateway.logs import get_logger


class OpenConnection(Protocol):
    """A connection as the server sees it, which looks at all of them now and then."""

    transport: asyncio.Transport
    has_asked: bool
    """A request has come, not only a connection."""

    @property
    def waits_for_client(self) -> bool:
        """Nothing is under way but what the client is to send."""
        ...

    @property
    def since(self) -> float:
        """When the client last did what it is waited for, by the context's clock."""
        ...

    def check(self, now: float) -> None:
        """End the connection if it has taken too long."""

    def drain(self) -> None:
        """Close when idle, else after the response that is due."""


class Context:
    """Application, limits, head writer, and the set of open connections."""

    __slots__ = (
        "accepted",
        "application",
        "clock",
        "connections",
        "default_type",
        "draining",
        "heads",
        "limits",
        "log",
        "loop",
        "parting",
        "refused",
        "trusted",
    )

    def __init__(
        self,
        application: Application,
        limits: Limits,
        heads: HeadWriter,
        loop: asyncio.AbstractEventLoop,
        trusted: TrustedProxies | None = None,
        default_type: bytes = TEXT,
    ) -> None:
        self.application = application
        self.limits = limits
        self.heads = heads
        self.clock: Clock = heads.clock
        self.loop = loop
        self.trusted = trusted or TrustedProxies()
        self.default_type = default_type
        self.connections: set[OpenConnection] = set()
        self.accepted = 0
        self.refused = 0
        """Connections refused because ``max_connections`` were open."""
        self.parting = False
        """Each response closes its connection: clients go elsewhere with their next request."""
        self.draining = False
        """Idle connections are closed as well; nothing is accepted any more."""
        self.log = get_logger("gateway.http")
