# SPDX-License-Identifier: Apache-2.0
"""What a worker is made of, as its settings say: made once, kept over releases."""

from __future__ import annotations

import asyncio
import collections
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from gateway.data_plane.capacity import processors
from gateway.data_plane.counters import Counters
from gateway.data_plane.worker.access_log import AccessLog
from gateway.data_plane.worker.application import GatewayApplication
from gateway.data_plane.worker.snapshot import WorkerResources
from gateway.http.forwarded import TrustedProxies
from gateway.http.limits import Limits, limits_of
from gateway.http.server import Server
from gateway.kafka.pool import ProducerPool
from gateway.logs import get_logger
from gateway.open_files import allow_connections
from gateway.plugins.limits import RecordLimits
from gateway.plugins.node_store import LocalStore
from gateway.plugins.request_metrics import SEPARATOR
from gateway.plugins.shared_counters import SharedCounters
from gateway.plugins.shared_store import SharedStore
from gateway.proxy.balancing.balancers import Balancers
from gateway.proxy.proxy import Proxy
from gateway.proxy.resolver import resolver_of
from gateway.settings.settings import Settings

if TYPE_CHECKING:
    from gateway.http.tls import Certificates

_log = get_logger("gateway.worker")
_KAFKA = ("records", "failures", "refusals", "topics")
_LOGS = 4.0
"""Seconds at most for log entries that wait: nobody stops later for a sink that is away."""
_BUFFER = ("messages", "bytes", "limit_messages", "limit_bytes")


@dataclass(frozen=True)
class WorkerParts:
    """The server with its application, and what both use."""

    settings: Settings
    application: GatewayApplication
    server: Server
    resources: WorkerResources
    access_log: AccessLog | None
    certificates: Certificates | None
    """Those of the https listeners; None without any."""

    @classmethod
    def make(
        cls,
        settings: Settings,
        data: dict[str, Any],
        index: int,
        counts: int | None,
        store: SharedStore | None = None,
    ) -> Self:
        """Make all parts; ``data`` is that of ``Command.INIT``. Raises ``SettingsError``."""
        log = None if settings.proxy_access_log == "off" else AccessLog(settings.proxy_access_log)
        counters = Counters()
        application = GatewayApplication(counters, log)
        default_type = f"{settings.error_default_type}; charset=utf-8".encode()
        count = settings.nginx_worker_processes or processors()
        loop = asyncio.get_running_loop()
        resources = WorkerResources(
            counters,
            ProducerPool(loop),
            Proxy(loop, resolver=resolver_of(settings), default_type=default_type),
            settings.client_max_body_size,
            settings.allow_debug_header,
            data["trusted"],
            settings.untrusted_lua != "off",
            SharedCounters(counts, index, count),
            settings.rate_limiting_ipv6_prefix,
            RecordLimits(settings.max_records, settings.max_record_size, settings.max_json_depth),
            store=store or LocalStore(),
            node_id=data.get("node_id", ""),
        )
        server = _server(settings, application, default_type)
        certificates = _certificates(data["certificate"], data.get("ticket_keys", ""))
        return cls(settings, application, server, resources, log, certificates)

    @property
    def balancers(self) -> Balancers:
        """What chooses among the targets of upstreams."""
        assert self.resources.proxy is not None
        return self.resources.proxy.balancers

    async def close(self, seconds: float) -> None:
        """Flush to Kafka within so many seconds, and close what is open."""
        resources = self.resources
        await asyncio.gather(
            resources.producers.close(seconds), resources.logs.close(min(seconds, _LOGS))
        )
        await resources.http.close()
        if self.resources.proxy is not None:
            self.resources.proxy.close()
        await self.resources.redis.close()
        if self.access_log is not None:
            self.access_log.close()

    def report(self, requests: Any = None) -> dict[str, Any]:
        """Return what was counted, and what is so now.

        ``requests``: what ``RequestMetrics`` has written of itself already.
        """
        server, kafka = self.server, self.resources.producers.metrics()
        return {
            "counters": {
                "routes": self.application.counters.report(),
                "requests": requests or self.resources.request_metrics.report(),
                "accepted": server.accepted,
                "refused": server.refused,
                "log_dropped": self.access_log.dropped if self.access_log else 0,
                "kafka": {name: kafka[name] for name in _KAFKA},
                "logs": self.resources.logs.counts.report(),
            },
            "gauges": {
                "active": server.connections,
                "kafka": {name: kafka[name] for name in _BUFFER},
                "producers": _states(kafka["producers"]),
            },
            "exemplars": self.resources.request_metrics.exemplars(),
        }


def _server(settings: Settings, application: GatewayApplication, default_type: bytes) -> Server:
    return Server(
        application,
        _limits(settings),
        headers=settings.headers,
        trusted=TrustedProxies(
            settings.trusted_ips,
            settings.real_ip_header,
            settings.real_ip_recursive,
            identity=settings.trusted_identity_headers,
        ),
        default_type=default_type,
    )


def _certificates(pair: list[str] | None, ticket_keys: str) -> Certificates | None:
    if pair is None:
        return None
    # Imported here: plain http needs no certificates, and their library is large.
    from gateway.http.tls import Certificates

    certificate, key = pair
    return Certificates((certificate, key), bytes.fromhex(ticket_keys))


def _states(producers: list[dict[str, Any]]) -> dict[str, int]:
    """Count producers by bootstrap server and state."""
    keys = (one["name"] + SEPARATOR + one["state"] for one in producers)
    return dict(collections.Counter(keys))


def _limits(settings: Settings) -> Limits:
    """Return the limits for clients, who must leave open files for upstreams and Kafka."""
    connections = allow_connections(settings.max_connections)
    if connections < settings.max_connections:
        _log.info(
            "the limit of open files leaves room for fewer connections; raise it (ulimit -n)",
            max_connections=connections,
        )
    return replace(limits_of(settings), max_connections=connections)
