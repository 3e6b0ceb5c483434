# SPDX-License-Identifier: Apache-2.0
"""What a plugin is: a type with a schema and a priority, and a handler with phases.

A plugin is a folder with ``schema.py`` (a pydantic model ``Config``), ``handler.py`` (a subclass
of ``Handler``) and an ``__init__.py`` that exports ``PLUGIN``, a ``PluginType``. It is found by an
entry point of group ``kafka_gateway.plugins``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from gateway.http.messages import Pending, Request, Response
from gateway.plugins.consumers import Consumers
from gateway.plugins.limits import RecordLimits
from gateway.plugins.shared_counters import Tally

if TYPE_CHECKING:
    from gateway.kafka.pool import ProducerPool

Answer = Response | Pending | Awaitable[Response | None] | None
"""None: go on with the next handler. Response: answer now. Pending or awaitable: answer later."""


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
    tally: Tally = field(default_factory=Tally)
    """Counts that the node's workers share and that outlive snapshots."""
    ipv6_prefix: int = 64
    """Bits of an IPv6 address that tell clients apart (setting ``rate_limiting_ipv6_prefix``)."""


class Handler:
    """One configured plugin of a snapshot. Override only the phases that are needed.

    The chain calls only overridden phases. ``config`` is the validated model of the plugin's
    schema with vault references already resolved.
    """

    needs_body = False
    """Set to have the whole request body in ``request.body`` before ``access`` runs."""
    body_limit = 0
    """Largest body accepted when ``needs_body``, in bytes; over it 413. 0: the settings decide."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        self.config = config
        self.context = context

    def access(self, request: Request) -> Answer:
        """Before the upstream: let pass (None) or answer."""

    def header_filter(self, request: Request, response: Response) -> None:
        """Before the response head goes out: change status and headers in place."""

    def body_filter(self, request: Request, response: Response, chunk: bytes, last: bool) -> bytes:
        """Replace a piece of the response body."""
        return chunk

    def log(self, request: Request, response: Response) -> None:
        """After the answer has been written; must not raise or wait."""

    def close(self) -> None:
        """The last snapshot that used this handler is gone."""


@dataclass(frozen=True)
class PluginType:
    """A plugin as the registry knows it; the handler is imported only where requests are served."""

    name: str
    version: str
    priority: int
    schema: type[BaseModel]
    handler_path: str
    """``package.module:Class``."""
    protocols: tuple[str, ...] = ("grpc", "grpcs", "http", "https")
    no_consumer: bool = False
    no_service: bool = False
    no_route: bool = False
    reads: tuple[str, ...] = ()
    """Collections that its handlers look things up in: they are made anew when these change."""

    def handler(self) -> type[Handler]:
        """Import and return the handler class."""
        module, _, name = self.handler_path.partition(":")
        found: type[Handler] = getattr(import_module(module), name)
        return found


def as_mapping(config: BaseModel) -> Mapping[str, Any]:
    """Return a config model as plain JSON data with all defaults filled in."""
    return config.model_dump(mode="json")
