# SPDX-License-Identifier: Apache-2.0
"""What of a configuration is right and yet does not do what it seems to: warnings, in one place.

``kafka-gateway check``, the Admin API and a stack's preview show them. The schema of a plugin may
have a method ``warnings()`` that returns sentences about its own fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gateway.entities.plugin_types import PluginType, plugin_types
from gateway.entities.vault_kinds import VAULT_KINDS
from gateway.names.spelling import choices
from gateway.plugins.base import Handler
from gateway.plugins.order import in_order
from gateway.plugins.precedence import PluginTable
from gateway.plugins.without_effect import without_effect
from gateway.vaults.references import REFERRING, Reference, references

Row = Mapping[str, Any]
_NAMED = 3
"""Routes that a warning names; of more it says how many."""
_MOST_ROUTES = 5000
"""Routes that are looked at: warnings must not hold a control plane up."""
_TERMINATION = "request-termination"
_IDEMPOTENCY = "idempotency"


def configuration_warnings(
    table: Mapping[str, Sequence[Row]], types: Mapping[str, PluginType] | None = None
) -> list[str]:
    """Return a sentence for each thing to be warned of; ``table`` holds checked flat rows."""
    types = plugin_types() if types is None else types
    rows = [
        row
        for row in table.get("plugins", ())
        if row.get("enabled") is not False and row.get("name") in types
    ]
    found = [text for row in rows for text in _of_fields(row, types[row["name"]])]
    found += _of_vaults(table)
    found += without_effect(table, types)
    if any(types[row["name"]].produces for row in rows):
        found += _OfOrder(table, rows, types).warnings()
    return found


def entity_warnings(table: Mapping[str, Sequence[Row]], collection: str, row: Row) -> list[str]:
    """Return what to warn of about one entity of a configuration."""
    if collection == "plugins":
        name = f'"{row["name"]}"'
        return [text for text in configuration_warnings(table) if name in text]
    own = {collection: [row], "plugins": table.get("plugins", ())}
    if collection == "certificates":
        own["snis"] = [one for one in table.get("snis", ()) if one["certificate"] == row["id"]]
    return without_effect(own, plugin_types())


def _of_vaults(table: Mapping[str, Sequence[Row]]) -> Iterable[str]:
    """Yield the references that no data plane can resolve, whatever its vaults hold."""
    kinds = {str(row["prefix"]): str(row["name"]) for row in table.get("vaults", ())}
    for text in sorted(references([table.get(name, ()) for name in REFERRING])):
        found = Reference.parse(text)
        if found is None:
            yield f"{text} is no vault reference; expected {{vault://vault/path/key}}"
            continue
        kind = kinds.get(found.vault, found.vault)
        if kind in VAULT_KINDS:
            continue
        if found.vault in kinds:
            known = ", ".join(VAULT_KINDS)
            problem = f'vaults of the kind "{kind}" cannot be asked, but {known}'
        else:
            advice = choices(found.vault, [*kinds, *VAULT_KINDS])
            problem = f'there is no vault "{found.vault}"; {advice}'
        yield f"{text} does not resolve: {problem}"


def _of_fields(row: Row, kind: PluginType) -> Iterable[str]:
    """Yield what a plugin's own schema warns of."""
    if not hasattr(kind.schema, "warnings"):
        return
    try:
        config = kind.schema.model_validate(row.get("config") or {})
    except ValueError:
        return  # a value that is not known yet: others say what is wrong
    for text in config.warnings():
        yield f'plugins["{row["name"]}"].config.{text}'


class _OfOrder:
    """Warnings about plugins that come too late where one responds to every request."""

    def __init__(
        self,
        table: Mapping[str, Sequence[Row]],
        rows: Sequence[Row],
        types: Mapping[str, PluginType],
    ) -> None:
        self._types = types
        self._routes = table.get("routes", ())[:_MOST_ROUTES]
        self._chains = PluginTable(rows, types)
        self._consumers = {
            key: row
            for row in table.get("consumers", ())
            for key in (row["id"], row.get("username"))
            if key
        }
        self._found: dict[str, list[str]] = {}

    def warnings(self) -> list[str]:
        """Return the sentences, each with the routes that it is about."""
        for route in self._routes:
            chain = self._chains.chain(route["id"], route.get("service"), None)
            rows = [row for _, row in in_order(chain, self._types)]
            first = next(
                (place for place, row in enumerate(rows) if self._types[row["name"]].produces), None
            )
            if first is not None:
                self._look(route, rows, first)
        return [f"{_named(routes)}: {text}" for text, routes in self._found.items()]

    def _look(self, route: Row, rows: list[Row], first: int) -> None:
        """Look at one route's plugins, of which the one at ``first`` responds."""
        producer = rows[first]["name"]
        label = str(route.get("name") or route["id"])
        for row in rows[first + 1 :]:
            if self._has_access(row):
                self._note(label, _too_late(row["name"], producer))
        for row in rows[:first]:
            if name := _token_in_records(row, rows[first]):
                self._note(label, _written(row["name"], name, producer))
            if looks_for_records(row):
                self._note(label, _must_read(producer))
            if _skips_options(row) and "OPTIONS" in (route.get("methods") or ("OPTIONS",)):
                self._note(label, _unproven(row["name"], producer))
            consumer = self._consumers.get((row.get("config") or {}).get("anonymous"))
            if consumer is None:
                continue
            gate = self._chains.lookup(
                _TERMINATION, route["id"], route.get("service"), consumer["id"]
            )
            if gate is not None and gate.get("consumer") == consumer["id"]:
                self._note(label, _differs(row["name"], consumer, producer))

    def _has_access(self, row: Row) -> bool:
        """Whether a plugin does something in the phase that is not reached."""
        kind = self._types[row["name"]]
        access = (row.get("config") or {}).get("access")
        if isinstance(access, list):
            return bool(access)
        return kind.handler().access is not Handler.access

    def _note(self, route: str, text: str) -> None:
        self._found.setdefault(text, []).append(route)


def _too_late(name: str, producer: str) -> str:
    remedy = {
        "post-function": "use pre-function, which runs before it",
        "kafka-upstream": "one plugin that produces is enough for a route",
        "confluent": "one plugin that produces is enough for a route",
    }.get(name, "limit it to other routes")
    return (
        f'the plugin "{name}" runs after "{producer}", which responds to every request, so its '
        f"access phase is never reached; {remedy}"
    )


def _token_in_records(row: Row, producer: Row) -> str:
    """Return the header in which a plugin puts a caller's token into records; empty for none."""
    config, forwards = (
        row.get("config") or {},
        (producer.get("config") or {}).get("forward_headers"),
    )
    return str(config.get("upstream_access_token_header") or "").partition(":")[0] * bool(forwards)


def looks_for_records(row: Row) -> bool:
    """Whether a plugin reads topics for what a request that was cut off has written."""
    config = row.get("config") or {}
    return row["name"] == _IDEMPOTENCY and config.get("storage") != "kafka"


def _must_read(producer: str) -> str:
    return (
        f'"{_IDEMPOTENCY}" looks in the topics for what a request that was cut off has written, so '
        f'the credentials of "{producer}" need the right Read on them; without it '
        "unknown_outcome decides what becomes of the key"
    )


def _skips_options(row: Row) -> bool:
    return (row.get("config") or {}).get("run_on_preflight") is False


def _unproven(name: str, producer: str) -> str:
    return (
        f'"{name}" lets OPTIONS requests pass without a proof (run_on_preflight), and "{producer}" '
        "writes a record of each; leave it true, or name the methods of the route without OPTIONS"
    )


def _written(name: str, header: str, producer: str) -> str:
    return (
        f'"{name}" puts the token of the caller into the header "{header}", and "{producer}" '
        "writes that into records (forward_headers); set upstream_access_token_header to null, "
        "unless readers need the token"
    )


def _differs(name: str, consumer: Row, producer: str) -> str:
    who = consumer.get("username") or consumer["id"]
    return (
        f'"{name}" lets requests without a credential pass as the consumer "{who}", and '
        f'"{_TERMINATION}" ends those; this gateway runs it before "{producer}", but Kong runs it '
        f"after the record is written: there, leave out anonymous, or deny the consumer with acl"
    )


def _named(routes: Sequence[str]) -> str:
    names = ", ".join(f'routes["{name}"]' for name in routes[:_NAMED])
    more = len(routes) - _NAMED
    return f"{names} and {more} more" if more > 0 else names
