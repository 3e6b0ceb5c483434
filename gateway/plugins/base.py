# SPDX-License-Identifier: Apache-2.0
"""What a plugin is made of: a handler with phases, and what it may use.

A plugin is a folder with ``schema.py`` (a pydantic model ``Config``), ``handler.py`` (a subclass
of ``Handler``) and an ``__init__.py`` that exports ``PLUGIN``, a ``PluginType`` of
``gateway.entities.plugin_types``. It is found by an entry point of group ``kafka_gateway.plugins``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.http.messages import Pending, Request, Response
from gateway.outgoing.client import HttpClient
from gateway.plugins.consumers import Consumers
from gateway.plugins.limits import RecordLimits
from gateway.plugins.logging.sinks import LogSinks
from gateway.plugins.node_store import LocalStore
from gateway.plugins.shared_counters import SharedCounters
from gateway.plugins.shared_store import SharedStore
from gateway.redis.clients import RedisClients

if TYPE_CHECKING:
    from gateway.kafka.pool import ProducerPool
    from gateway.plugins.conditions import Condition


@dataclass(frozen=True, slots=True)
class Proceed:
    """What an awaited ``access`` returns to go on, and have the response pass through it.

    ``finish`` gets what the rest of the chain responds, before any filter, and returns what the
    client gets. ``to_the_end``: also when the client has gone meanwhile.
    """

    finish: Callable[[Response], Awaitable[Response]]
    to_the_end: bool = False


AccessResult = Response | Pending | Awaitable[Response | Proceed | None] | None
"""None: go on with the next handler. Response: respond now. Pending or awaitable: respond later."""


@dataclass(frozen=True)
class PluginContext:
    """What a handler may use when it is made; one per snapshot."""

    producers: ProducerPool
    certificate: Callable[[str], tuple[str, str] | None]
    """Certificate entity id to (certificate PEM, key PEM)."""
    plugin_id: str = ""
    route_id: str | None = None
    service_id: str | None = None
    trusted_ca: str | None = None
    """File of the authorities that ``lua_ssl_trusted_certificate`` names (one PEM bundle, the
    system's included when it names them); None: the system's alone."""
    lua_allowed: bool = True
    """False where ``untrusted_lua`` is off: configurations with Lua functions are refused then."""
    consumers: Consumers = field(default_factory=Consumers)
    """Filled for plugins whose type says that it reads them."""
    record_limits: RecordLimits = field(default_factory=RecordLimits)
    """What one request may become at most, where a plugin's own fields do not say."""
    counters: SharedCounters = field(default_factory=SharedCounters)
    """Counts that the node's workers share and that outlive snapshots."""
    ipv6_prefix: int = 64
    """Bits of an IPv6 address that tell clients apart (setting ``rate_limiting_ipv6_prefix``)."""
    store: SharedStore = field(default_factory=LocalStore)
    """Values that the node's workers share, and who is at work on one."""
    http: HttpClient = field(default_factory=HttpClient)
    """The worker's client for what plugins ask of others."""
    redis: RedisClients = field(default_factory=RedisClients)
    """Clients of Redis, shared by all plugins of the worker."""
    consumer_group_id: str | None = None
    """The consumer group that the plugin is limited to."""
    authority: Callable[[str], str | None] = field(default=lambda _: None)
    """Id of a ``ca_certificates`` entity to its certificate (PEM)."""
    logs: LogSinks = field(default_factory=LogSinks)
    """The worker's queues of log entries."""
    node_id: str = ""
    """The id by which the node is known."""


class Handler:
    """One configured plugin of a snapshot. Override only the phases that are needed.

    The chain calls only overridden phases. ``config`` is the validated model of the plugin's
    schema with vault references already resolved.
    """

    produces = False
    """Set where ``access`` makes records of each request, and puts them into ``request.outbox``
    when there is one."""
    needs_body = False
    """Set to have the whole request body in ``request.body`` before ``access`` runs."""
    body_limit = 0
    """Largest body accepted when ``needs_body``, in bytes; over it 413. 0: the settings decide."""

    logs_recorded_traces = False
    """Set where ``log`` has nothing to do once the trace is known not to be recorded, as
    ``request.passing`` says."""

    skips: Collection[str] = ()
    """Phases of the class that this configuration has no use for, by the names of their methods."""

    condition: Condition | None = None
    """Whether it runs for a request; None: for each."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        self.config = config
        self.context = context

    def access(self, request: Request) -> AccessResult:
        """Before the upstream: let pass (None) or respond."""

    def header_filter(self, request: Request, response: Response) -> None:
        """Before the response head goes out: change status and headers in place."""

    def body_filter(self, request: Request, response: Response, chunk: bytes, last: bool) -> bytes:
        """Replace a piece of the response body."""
        return chunk

    def whole_body(self, request: Request, response: Response) -> int:
        """Return the most bytes of a streamed body that ``body_filter`` wants in one piece.

        0: it takes pieces. Asked after all header filters; a longer body becomes a 502.
        """
        return 0

    def log(self, request: Request, response: Response) -> None:
        """After the response has been written; must not raise or wait."""

    async def purge(self, prefix: str) -> int:
        """Remove what is cached outside of the node under keys that begin so; return how many."""
        return 0

    def close(self) -> None:
        """The last snapshot that used this handler is gone."""
