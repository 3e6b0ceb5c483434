# SPDX-License-Identifier: Apache-2.0
"""Upstreams with targets: their rows, peers for algorithms, and a gateway that only balances."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from gateway.entities import validate_row
from gateway.http.messages import Pending, Request
from gateway.proxy.balancing.balancer import Balancer
from gateway.proxy.balancing.passive_checks import HealthReport
from gateway.proxy.balancing.peer import Peer, TargetAddress
from gateway.proxy.proxy import Proxy
from gateway.proxy.tls import UpstreamTls
from tests.support.http import Running
from tests.support.upstream import ProxyApp, proxying
from tests.support.waiting import PATIENCE

NAME = "pool.test"


def upstream_row(**fields: Any) -> dict[str, Any]:
    """Return an upstream's flat row with all defaults."""
    return validate_row("upstreams", {"id": str(uuid4()), "name": NAME, **fields})


def target_rows(
    upstream: Mapping[str, Any], targets: Iterable[str | tuple[str, int]]
) -> list[dict[str, Any]]:
    """Return the flat rows of targets, given as ``host:port`` or with a weight."""
    pairs = [(one, 100) if isinstance(one, str) else one for one in targets]
    return [
        validate_row(
            "targets",
            {
                "id": str(uuid4()),
                "target": name,
                "weight": weight,
                "upstream": {"id": upstream["id"]},
            },
        )
        for name, weight in pairs
    ]


def peers_of(*weights: float) -> list[Peer]:
    """Return peers at 10.0.0.1, 10.0.0.2, … with these weights."""
    addresses = (f"10.0.0.{number}" for number in range(1, len(weights) + 1))
    return [
        Peer(TargetAddress(ip, ip, 80, weight))
        for ip, weight in zip(addresses, weights, strict=True)
    ]


class BalancedApp(ProxyApp):
    """Sends every request to the targets of one upstream."""

    def __init__(
        self,
        targets: Sequence[str | int | tuple[str, int]],
        *,
        proxy: Proxy | None = None,
        route: dict[str, Any] | None = None,
        tls: UpstreamTls | None = None,
        stream: bool = False,
        service: Mapping[str, Any] | None = None,
        certificate: str | None = None,
        **upstream: Any,
    ) -> None:
        named = {"host": NAME, "retries": 5, **(service or {})}
        super().__init__(80, proxy=proxy, route=route, tls=tls, stream=stream, **named)
        row = upstream_row(**upstream) | {"client_certificate": certificate}
        names = [f"127.0.0.1:{one}" if isinstance(one, int) else one for one in targets]
        self.reports: list[HealthReport] = []
        self.proxy.balancers.report = self.reports.append
        self.balancer: Balancer = self.proxy.balancers.renewed(row, target_rows(row, names))
        service_row = {"protocol": "http", "port": 80, **named}
        self.balanced = self.proxy.balanced(
            route or {}, service_row, tls or UpstreamTls(), self.balancer
        )

    def handle(self, request: Request) -> Pending:
        return self.proxy.balance(self.balanced, request)


@asynccontextmanager
async def balancing(app: BalancedApp) -> AsyncIterator[Running]:
    """Serve a ``BalancedApp`` whose targets have been looked up."""
    async with asyncio.timeout(PATIENCE):
        await app.balancer.targets.found.wait()
    async with proxying(app) as running:
        yield running
