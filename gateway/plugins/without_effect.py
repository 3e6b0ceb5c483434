# SPDX-License-Identifier: Apache-2.0
"""What is stored and does nothing here, although Kong has a use for it: sentences for warnings.

Each says what is missing and the remedy. What an entity's model refuses never comes here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from gateway.entities import ENTITIES
from gateway.entities.checks import row_label
from gateway.entities.plugin_types import PluginType
from gateway.entities.vault_kinds import VAULT_KINDS

Row = Mapping[str, Any]
_NAMED = 3
"""Entities that a sentence names; of more it says how many."""
_CREDENTIALS = frozenset(
    (
        "acls",
        "basicauth_credentials",
        "hmacauth_credentials",
        "jwt_secrets",
        "keyauth_credentials",
        "mtls_auth_credentials",
        "oauth2_credentials",
    )
)
_HTTP = frozenset(("http", "https"))
_SNI = (
    "listeners do not choose certificates by server name: clients get those of KONG_SSL_CERT; "
    "set them there"
)
_KEY = "nothing here reads keys and key sets: plugins that check tokens name their keys themselves"


def without_effect(
    table: Mapping[str, Sequence[Row]], types: Mapping[str, PluginType]
) -> list[str]:
    """Return a sentence for each reason why entities do nothing, with their names before it."""
    found: dict[str, list[str]] = {}
    unread = {}
    if not _CREDENTIALS.isdisjoint(table):
        unread = _unread(table.get("plugins", ()), types)
    for collection, rows in table.items():
        texts_of = _TEXTS.get(collection)
        if collection in unread and rows:
            found[unread[collection]] = [collection]
        for row in rows if texts_of is not None else ():
            for text in texts_of(row) if texts_of is not None else ():
                found.setdefault(text, []).append(row_label(ENTITIES[collection], dict(row)))
    return [f"{_named(labels)}: {text}" for text, labels in found.items()]


def _unread(plugins: Iterable[Row], types: Mapping[str, PluginType]) -> dict[str, str]:
    """Return the credentials that no plugin in use reads, with the sentence about them."""
    used = {row.get("name") for row in plugins if row.get("enabled") is not False}
    return {
        collection: _no_reader(readers)
        for collection in _CREDENTIALS
        if not used.intersection(
            readers := [name for name, kind in types.items() if collection in kind.reads]
        )
    }


def _no_reader(readers: Collection[str]) -> str:
    if not readers:
        return "no plugin of this gateway reads them"
    names = " or ".join(f'"{name}"' for name in readers)
    return f"no plugin in this configuration reads them; add {names}, or leave them out"


def _of_service(row: Row) -> Iterable[str]:
    if row.get("protocol") not in (None, *_HTTP):
        yield (f"the gateway speaks HTTP/1.1 to upstreams, no {row['protocol']}; use http or https")
    if row.get("tls_verify_depth") is not None:
        yield "tls_verify_depth has no effect: chains of any length are verified"


def _of_route(row: Row) -> Iterable[str]:
    protocols = row.get("protocols") or ("http",)
    if not _HTTP.intersection(protocols):
        yield f"the gateway serves HTTP/1.1, no {', '.join(protocols)}: no request gets through"
    if row.get("path_handling") == "v1":
        yield 'path_handling "v1" has no effect: paths are joined as by v0'


def _of_vault(row: Row) -> Iterable[str]:
    if row.get("name") not in VAULT_KINDS:
        known = ", ".join(VAULT_KINDS)
        yield f'vaults of the kind "{row.get("name")}" cannot be asked, but {known}'


def _always(text: str) -> Callable[[Row], Iterable[str]]:
    return lambda _: (text,)


_TEXTS: Mapping[str, Callable[[Row], Iterable[str]]] = {
    "services": _of_service,
    "routes": _of_route,
    "vaults": _of_vault,
    "snis": _always(_SNI),
    "keys": _always(_KEY),
    "key_sets": _always(_KEY),
}


def _named(labels: Sequence[str]) -> str:
    names = ", ".join(labels[:_NAMED])
    more = len(labels) - _NAMED
    return f"{names} and {more} more" if more > 0 else names
