# SPDX-License-Identifier: Apache-2.0
"""The part of compiling a release that needs no event loop: it runs beside the requests.

What takes long for a large configuration stands here: reading the table, resolving vault
references, validating plugin settings, building the router.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson

from gateway.data_plane.worker.certificate_requests import certificate_requests
from gateway.entities.condition import condition_problem
from gateway.entities.credentials import hash_password
from gateway.entities.own_tags import without_own_tags
from gateway.entities.plugin_types import PluginType, plugin_types, unknown_plugin
from gateway.errors import ReleaseRefused, UnresolvedReference
from gateway.plugins.consumers import Consumers
from gateway.plugins.precedence import PluginTable
from gateway.routing.router import Router
from gateway.vaults.references import REFERRING, resolve

Row = Mapping[str, Any]


class RoutePlan:
    """What a request of one route needs; ``Match.data``.

    It is filled in on the event loop, when the handlers exist. A request under way keeps it, so
    a release is no longer in use when all its plans are gone.
    """

    __slots__ = ("__weakref__", "body", "chain", "counters", "metrics", "route", "service")

    chain: Any
    body: int
    counters: Any
    metrics: Any
    """What the plugin ``prometheus`` counts."""

    def __init__(self, route: Row, service: Row | None) -> None:
        self.route = route
        self.service = service


@dataclass(frozen=True)
class CompiledPlugin:
    """An enabled plugin row with its validated settings; ``key`` is equal for equal behaviour."""

    row: Row
    type: PluginType
    config: Any
    key: bytes


@dataclass(frozen=True)
class CompiledConfiguration:
    """A release, read and checked."""

    hash: str
    rows: Mapping[str, list[dict[str, Any]]]
    plans: list[RoutePlan]
    router: Router
    plugins: Mapping[str, CompiledPlugin]
    table: PluginTable
    certificates: Mapping[str, tuple[str, str]]
    authorities: Mapping[str, str]
    of_consumers: list[Row]
    """The plugin rows that are limited to a consumer or a consumer group."""
    consumers: Consumers
    certificate_requests: Mapping[str, list[bytes]]
    """Where clients are asked for certificates; see ``certificate_requests``."""


def compile_configuration(
    table: bytes,
    digest: str,
    environment: Mapping[str, str],
    types: Mapping[str, PluginType] | None = None,
    *,
    hidden_dots: bool = False,
) -> CompiledConfiguration:
    """Read a release. Raises ``ReleaseRefused`` with everything that is wrong.

    ``environment`` is where vault references are looked up, ``types`` are the plugins that may
    run, all that are installed by default; ``hidden_dots`` is for the router.
    """
    types = plugin_types() if types is None else types
    rows = orjson.loads(table)
    _drop_own_tags(rows)
    _resolve(rows, environment)
    services = {row["id"]: row for row in rows.get("services", ())}
    certificates = {row["id"]: (row["cert"], row["key"]) for row in rows.get("certificates", ())}
    plugins = _plugins(rows, types)
    plans = [RoutePlan(row, services.get(row.get("service"))) for row in rows.get("routes", ())]
    router = Router(
        [{**plan.route, "service": plan.service} for plan in plans],
        {plan.route["id"]: plan for plan in plans},
        hidden_dots=hidden_dots,
    )
    authorities = {row["id"]: row["cert"] for row in rows.get("ca_certificates", ())}
    uses = [(item.row, item.type, item.config) for item in plugins.values()]
    return CompiledConfiguration(
        digest,
        rows,
        plans,
        router,
        plugins,
        PluginTable(rows.get("plugins", ()), types),
        certificates,
        authorities,
        [item.row for item in plugins.values() if _of_consumers(item.row)],
        _consumers(rows, plugins),
        certificate_requests(uses, rows.get("routes", ()), authorities),
    )


def _of_consumers(row: Row) -> bool:
    return row.get("consumer") is not None or row.get("consumer_group") is not None


def _drop_own_tags(rows: dict[str, Any]) -> None:
    """Drop the tags that a control plane keeps for itself: plugins show consumers to their Lua."""
    for collection, found in rows.items():
        if isinstance(found, list):
            rows[collection] = [without_own_tags(row) for row in found]


def _resolve(rows: dict[str, Any], environment: Mapping[str, str]) -> None:
    missing: list[str] = []
    for collection in REFERRING:
        try:
            if collection in rows:
                rows[collection] = _resolved(collection, rows[collection], environment)
        except UnresolvedReference as error:
            missing += error.references
    if missing:
        raise UnresolvedReference(missing)


def _resolved(collection: str, rows: list[Row], environment: Mapping[str, str]) -> Any:
    found = resolve(rows, environment)
    if found is not rows and collection == "basicauth_credentials":
        for row, before in zip(found, rows, strict=True):
            # The others are hashed already.
            if row["password"] != before["password"]:
                row["password"] = hash_password(row["password"], row["consumer"])
    return found


def enabled_types(names: tuple[str, ...]) -> dict[str, PluginType]:
    """Return the installed plugins that the setting ``plugins`` lets run.

    ``bundled`` stands for all of them, ``off`` for none.
    """
    types = plugin_types()
    return types if "bundled" in names else {name: types[name] for name in names if name in types}


def _consumers(rows: Mapping[str, list[Row]], plugins: Mapping[str, CompiledPlugin]) -> Consumers:
    """Return the consumers, if any plugin looks for them or is limited to a group of them."""
    if not any(
        "consumers" in plugin.type.reads
        or getattr(plugin.config, "reads", ())
        or plugin.row.get("consumer_group")
        for plugin in plugins.values()
    ):
        return Consumers()
    return Consumers(rows)


def _plugins(
    rows: Mapping[str, list[Row]], types: Mapping[str, PluginType]
) -> dict[str, CompiledPlugin]:
    digest = cache(lambda collection: _digest(rows.get(collection)))
    found, problems = {}, []
    for row in rows.get("plugins", ()):
        if row.get("enabled") is False:
            continue
        kind = types.get(row["name"])
        if kind is None:
            problems.append(_not_there(row["name"]))
            continue
        try:
            config = kind.schema.model_validate(row.get("config") or {})
        except ValueError as error:
            problems += _sentences(error, kind, row)
            continue
        condition = row.get("condition")
        if condition is not None and (problem := condition_problem(condition)):
            problems.append(f'plugins["{row["name"]}"].condition: {problem}')
        scope = [row.get(name) for name in ("route", "service", "consumer", "consumer_group")]
        key = orjson.dumps([row["name"], scope, row.get("config"), condition])
        reads = (*kind.reads, *getattr(config, "reads", ()))
        key += b"".join(map(digest, ("certificates", *reads)))
        found[row["id"]] = CompiledPlugin(row, kind, config, key)
    if problems:
        raise ReleaseRefused(problems)
    return found


def _not_there(name: str) -> str:
    if name in plugin_types():
        return f'plugin "{name}" is not enabled on this node; name it in KONG_PLUGINS'
    return unknown_plugin(name)


def _sentences(error: ValueError, kind: PluginType, row: Row) -> list[str]:
    # Imported here: good configurations need no texts about what is wrong.
    from pydantic import ValidationError

    from gateway.entities.problems import problems_of

    label = f'plugins["{row["name"]}"] ({row["id"]}).config'
    assert isinstance(error, ValidationError)
    return [problem.sentence(label) for problem in problems_of(error, kind.schema)]


def _digest(value: Any) -> bytes:
    return hashlib.sha256(orjson.dumps(value)).digest()
