# SPDX-License-Identifier: Apache-2.0
"""A release compiled for serving: immutable, swapped as a whole, closed when no request uses it."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from gateway.data_plane.counters import Counters
from gateway.data_plane.worker.compile import CompiledConfiguration, CompiledPlugin, RoutePlan, Row
from gateway.data_plane.worker.debug_headers import DebugHeaders
from gateway.errors import GatewayError, ReleaseRefused
from gateway.http.application import DISCARD, STREAM
from gateway.http.messages import Request
from gateway.kafka.pool import ProducerPool
from gateway.logs import get_logger
from gateway.outgoing.client import HttpClient
from gateway.plugins.authentication import hiding_at_last
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.chain import Chain, Last, no_service
from gateway.plugins.conditions import Condition
from gateway.plugins.limits import RecordLimits
from gateway.plugins.logging.sinks import LogSinks
from gateway.plugins.node_store import LocalStore
from gateway.plugins.order import in_order
from gateway.plugins.request_metrics import RequestMetrics
from gateway.plugins.shared_counters import SharedCounters
from gateway.plugins.shared_store import SharedStore
from gateway.proxy.balancing.balancers import ByName
from gateway.proxy.proxy import Proxy
from gateway.proxy.tls import UpstreamTls
from gateway.redis.clients import RedisClients
from gateway.routing.router import Router
from gateway.tasks import WorkSlices

_log = get_logger("gateway.snapshot")

_WARM_UP = 2.0
"""Seconds that new producers have to connect, and targets to be found, before the snapshot serves
all the same."""
_LAST = -(1 << 31)
"""Priority below that of every plugin."""
_Callers = tuple[str | None, tuple[str, ...]]
_Placed = tuple[tuple[int, str], Handler]
_Shared = dict[tuple[Any, ...], Chain]
"""Chains by their handlers and what responds after them: routes that have the same have one, which
the processor has at hand where each its own would have to come from memory."""
_MOST_DERIVED = 10_000
"""Chains of consumers and groups that are kept for each route; more are made anew each time."""


@dataclass(frozen=True)
class WorkerResources:
    """What outlives snapshots in a worker and is used to compile them."""

    counters: Counters
    producers: ProducerPool
    proxy: Proxy | None = None
    body_limit: int = 1024**2
    """Largest body kept whole for a handler that sets no limit itself, in bytes."""
    debug_headers: bool = False
    """Whether clients may ask for route and service in response headers (``Kong-Debug``)."""
    trusted_ca: str | None = None
    """File of the trusted authorities; None: the system's."""
    lua_allowed: bool = True
    """Whether plugins may run Lua functions, in the sandbox."""
    shared_counters: SharedCounters = field(default_factory=SharedCounters)
    ipv6_prefix: int = 64
    """Bits of an IPv6 address that tell clients apart."""
    record_limits: RecordLimits = field(default_factory=RecordLimits)
    store: SharedStore = field(default_factory=LocalStore)
    """What the node's workers share."""
    http: HttpClient = field(default_factory=HttpClient)
    redis: RedisClients = field(default_factory=RedisClients)
    logs: LogSinks = field(default_factory=LogSinks)
    """What waits to be logged elsewhere."""
    request_metrics: RequestMetrics = field(default_factory=RequestMetrics)
    node_id: str = ""


class Snapshot:
    """One compiled release. ``retire`` it after its successor serves."""

    def __init__(self, digest: str, router: Router) -> None:
        self.hash = digest
        self.router = router
        self.unmatched = Chain()
        """For requests without a route, whose log phase alone is run: plugins of all routes."""
        self._handlers: dict[str, tuple[bytes, Handler]] = {}
        self._plans: list[RoutePlan] = []
        self._balancers: ByName = {}
        """By the names of their upstreams."""

    @classmethod
    def empty(cls) -> Snapshot:
        """Return what a worker serves before any release: no routes at all."""
        return cls("", Router([]))

    @classmethod
    async def build(
        cls, compiled: CompiledConfiguration, previous: Snapshot, resources: WorkerResources
    ) -> Snapshot:
        """Make handlers and chains; handlers that would be the same are taken from ``previous``.

        Requests get their turn in between. Raises ``ReleaseRefused``, having closed what it made.
        """
        self = cls(compiled.hash, compiled.router)
        self._plans = compiled.plans
        try:
            await self._make_handlers(compiled, previous, resources)
            await self._make_balancers(compiled, previous, resources)
            await self._make_plans(compiled, resources)
        except BaseException:
            self.discard(previous)
            raise
        if self._own_handlers(previous):
            await resources.producers.warm(_WARM_UP)
        return self

    async def purge(self, prefix: str) -> int:
        """Remove what handlers have cached outside of the node; return how many responses."""
        return sum([await handler.purge(prefix) for _, handler in self._handlers.values()])

    def discard(self, previous: Snapshot) -> None:
        """Close what was made for a snapshot that will not serve."""
        _close(self._own_handlers(previous))
        self._close_balancers(previous)

    def retire(self, successor: Snapshot) -> None:
        """Close the handlers the successor did not take over, once no request uses them.

        Call it when nothing begins on this snapshot any more.
        """
        retired = self._own_handlers(successor)
        self._close_balancers(successor)
        plans, self._plans = self._plans, []
        self.router = Router([])
        self.unmatched = Chain()
        if not retired:
            return
        _Retirement(plans, retired)

    @property
    def handlers(self) -> list[Handler]:
        """All handlers, those taken over included."""
        return [handler for _, handler in self._handlers.values()]

    def _own_handlers(self, other: Snapshot) -> list[Handler]:
        kept = {id(handler) for handler in other.handlers}
        return [handler for handler in self.handlers if id(handler) not in kept]

    async def _make_handlers(
        self, compiled: CompiledConfiguration, previous: Snapshot, resources: WorkerResources
    ) -> None:
        turn = WorkSlices()
        problems: list[str] = []
        for number, plugin in compiled.plugins.items():
            key, handler = previous._handlers.get(number, (b"", None))
            if handler is None or key != plugin.key:
                try:
                    handler = _make_handler(plugin, compiled, resources)
                except ReleaseRefused as error:
                    problems += error.errors
                    continue
                except GatewayError as error:
                    problems.append(f'plugins["{plugin.row["name"]}"]: {error}')
                    continue
            self._handlers[number] = (plugin.key, handler)
            await turn.give()
        if problems:
            raise ReleaseRefused(problems)

    async def _make_balancers(
        self, compiled: CompiledConfiguration, previous: Snapshot, resources: WorkerResources
    ) -> None:
        """Make what chooses among the targets of upstreams, and look the targets up."""
        upstreams = compiled.rows.get("upstreams", ())
        if not upstreams or resources.proxy is None:
            return
        balancers = resources.proxy.balancers
        before = previous._balancers
        targets = compiled.rows.get("targets", ())
        self._balancers = await balancers.make(upstreams, targets, before)
        await balancers.found(self._balancers.values(), _WARM_UP)

    def _close_balancers(self, other: Snapshot) -> None:
        """Close the balancers that the other snapshot does not have."""
        kept = {id(balancer) for balancer in other._balancers.values()}
        for balancer in self._balancers.values():
            if id(balancer) not in kept:
                balancer.close()

    async def _make_plans(
        self, compiled: CompiledConfiguration, resources: WorkerResources
    ) -> None:
        trust = ("system",) if resources.trusted_ca is None else (resources.trusted_ca,)
        tls = UpstreamTls(compiled.certificates.get, compiled.authorities.get, trust)
        handlers = {number: handler for number, (_, handler) in self._handlers.items()}
        self.unmatched = _chain_of(compiled, handlers, compiled.table.chain(None, None, None))
        turn = WorkSlices()
        shared: _Shared = {}
        for plan in self._plans:
            _fill(plan, compiled, handlers, resources, tls, self._balancers, shared)
            await turn.give()


def _chain_of(
    compiled: CompiledConfiguration, handlers: Mapping[str, Handler], rows: list[Row]
) -> Chain:
    types = {row["name"]: compiled.plugins[row["id"]].type for row in rows}
    return Chain([handlers[row["id"]] for _, row in in_order(rows, types)])


class _Retirement:
    """Closes handlers when the last of the plans is gone."""

    _open: ClassVar[set[_Retirement]] = set()

    def __init__(self, plans: list[RoutePlan], handlers: list[Handler]) -> None:
        self._handlers = handlers
        self._left = len(plans)
        self._open.add(self)
        self._plans = [weakref.ref(plan, self._one_less) for plan in plans]
        if not plans:
            self._finish()

    def _one_less(self, _: object) -> None:
        self._left -= 1
        if not self._left:
            self._finish()

    def _finish(self) -> None:
        self._open.discard(self)
        _close(self._handlers)


def _make_handler(
    plugin: CompiledPlugin, compiled: CompiledConfiguration, resources: WorkerResources
) -> Handler:
    context = PluginContext(
        producers=resources.producers,
        certificate=compiled.certificates.get,
        plugin_id=plugin.row["id"],
        route_id=plugin.row.get("route"),
        service_id=plugin.row.get("service"),
        trusted_ca=resources.trusted_ca,
        lua_allowed=resources.lua_allowed,
        consumers=compiled.consumers,
        record_limits=resources.record_limits,
        counters=resources.shared_counters,
        ipv6_prefix=resources.ipv6_prefix,
        store=resources.store,
        http=resources.http,
        redis=resources.redis,
        consumer_group_id=plugin.row.get("consumer_group"),
        authority=compiled.authorities.get,
        logs=resources.logs,
        node_id=resources.node_id,
    )
    handler: Handler = plugin.type.handler()(plugin.config, context)
    condition = plugin.row.get("condition")
    if condition is not None:
        handler.condition = Condition(condition, plugin.row["name"], plugin.row["id"])
    return handler


def _fill(
    plan: RoutePlan,
    compiled: CompiledConfiguration,
    handlers: Mapping[str, Handler],
    resources: WorkerResources,
    tls: UpstreamTls,
    balancers: ByName,
    shared: _Shared,
) -> None:
    route, service = plan.route, plan.service
    last: Last = no_service
    if service is not None and resources.proxy is not None:
        last = resources.proxy.sender(route, service, tls, balancers)
    debug = DebugHeaders(route, service) if resources.debug_headers else None
    chains = _Chains(compiled, handlers, route, service, last, debug, shared)
    plan.chain = chains.general()
    plan.body = _body_mode(plan.chain, chains, service, resources)
    names = ("" if service is None else _name(service)), _name(route)
    plan.counters = resources.counters.of(*names)
    plan.metrics = resources.request_metrics.of(_label(service), names[1])


class _Chains:
    """The chains of one route: the general one, and those of consumers when first needed.

    Holds no plan: a cycle would keep retired handlers until the garbage collector comes by.
    """

    def __init__(
        self,
        compiled: CompiledConfiguration,
        handlers: Mapping[str, Handler],
        route: Row,
        service: Row | None,
        last: Last,
        debug: Handler | None,
        shared: _Shared,
    ) -> None:
        self._debug = debug
        self._table = compiled.table
        self._plugins = compiled.plugins
        self._handlers = handlers
        self._route: str = route["id"]
        self._service: str | None = None if service is None else service["id"]
        self._last = last
        self._consumers = compiled.consumers
        self._derived: dict[_Callers, Chain] = {}
        placed = self._placed(None, ())
        key = (*[handler for _, handler in placed], last)
        self._plain = shared.get(key) or shared.setdefault(key, self._chain(placed, None))
        self.needs_body = self._plain.needs_body or any(
            handlers[row["id"]].needs_body for row in compiled.of_consumers if self._concerns(row)
        )

    def general(self) -> Chain:
        """Return the chain that a request begins on.

        Not kept here: with ``derive`` it would be a cycle, which only the collector could free.
        """
        table = self._table
        return self._make(None, (), self.derive) if table.consumers or table.groups else self._plain

    def derive(self, request: Request) -> Chain:
        """Return the chain for a request's consumer and groups, kept for the next of them."""
        consumer = None if request.consumer is None else request.consumer["id"]
        if consumer not in self._table.consumers:
            consumer = None
        having = self._table.groups
        groups: tuple[str, ...] = ()
        if having:
            found = self._consumers.groups_of(request)
            groups = tuple(group["id"] for group in found if group["id"] in having)
        if consumer is None and not groups:
            return self._plain
        chain = self._derived.get((consumer, groups))
        if chain is None:
            chain = self._make(consumer, groups, None)
            # Tokens may name any set of groups.
            if len(self._derived) < _MOST_DERIVED:
                self._derived[consumer, groups] = chain
        return chain

    def _make(self, consumer: str | None, groups: tuple[str, ...], derive: Any) -> Chain:
        return self._chain(self._placed(consumer, groups), derive)

    def _placed(self, consumer: str | None, groups: tuple[str, ...]) -> list[_Placed]:
        """Return the handlers for a consumer with groups, in their order."""
        rows = self._table.chain(self._route, self._service, consumer, groups)
        types = {row["name"]: self._plugins[row["id"]].type for row in rows}
        ordered = in_order(rows, types)
        placed = hiding_at_last([(place, self._handlers[row["id"]]) for place, row in ordered])
        return placed if self._debug is None else [*placed, ((_LAST, ""), self._debug)]

    def _chain(self, placed: list[_Placed], derive: Any) -> Chain:
        order = [place for place, _ in placed]
        return Chain([handler for _, handler in placed], self._last, order=order, derive=derive)

    def _concerns(self, row: Row) -> bool:
        """Tell whether a consumer's plugin may run on this route."""
        return row.get("route") in (None, self._route) and row.get("service") in (
            None,
            self._service,
        )


def _body_mode(
    chain: Chain, chains: _Chains, service: Row | None, resources: WorkerResources
) -> int:
    if chains.needs_body:
        return chain.body_limit or resources.body_limit
    return DISCARD if service is None else STREAM


def _name(row: Row) -> str:
    return str(row.get("name") or row["id"])


def _label(service: Row | None) -> str:
    """Return a service as Kong's metrics name it."""
    return "" if service is None else str(service.get("name") or service["host"])


def _close(handlers: list[Handler]) -> None:
    for handler in handlers:
        try:
            handler.close()
        except Exception:
            _log.exception("handler did not close", plugin=handler.context.plugin_id)
