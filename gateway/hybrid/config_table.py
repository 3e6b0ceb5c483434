# SPDX-License-Identifier: Apache-2.0
"""The table that a control plane sends to data planes, made of the entities of a release."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.entities import Row
from gateway.entities.checks import Table
from gateway.entities.expansion import by_id, expanded
from gateway.entities.own_tags import without_own_tags
from gateway.entities.partial_links import linked_ids

WORKSPACE = "0dc6f45b-8f8d-40d2-a504-473544ee190b"
"""Id of the default workspace, the one Kong's own declarative configurations have."""


Partials = tuple[Row, ...]
"""The partials that a plugin is linked to, in the order of its links."""


def sent_row(row: Row, partials: Partials = ()) -> Row:
    """Return a row as data planes get it: a plugin with what its partials say."""
    whole = expanded(row, by_id(partials)) if partials else row
    return {**_for_all_data_planes(whole), "ws_id": WORKSPACE}


def config_table(table: Table, sent: Callable[[Row, Partials], Row] = sent_row) -> dict[str, Any]:
    """Return the configuration as data planes get it.

    Without disabled services, what hangs on them, disabled plugins, the gateway's own tags, and
    partials, which data planes do not know: plugins have what these say. Rows are sorted by id, so
    that equal configurations have equal hashes, and point to the default workspace. Collections
    without rows are absent. ``sent`` stands in for ``sent_row`` where that keeps what it made.
    """
    result: dict[str, Any] = {"_format_version": "3.0", "_transform": False}
    dropped = {row["id"] for row in table.get("services", ()) if row.get("enabled") is False}
    gone = dropped | {row["id"] for row in table.get("routes", ()) if row["service"] in dropped}
    partials = by_id(table.get("partials", ()))
    for collection, rows in sorted(table.items()):
        if collection == "partials":
            continue
        kept = [
            sent(row, tuple(partials[one] for one in linked_ids(row)) if partials else ())
            for row in rows
            if _is_sent(collection, row, gone)
        ]
        if kept:
            result[collection] = sorted(kept, key=lambda row: str(row["id"]))
    result["workspaces"] = [{"id": WORKSPACE, "name": "default"}]
    return result


def _for_all_data_planes(row: Row) -> Row:
    """Return a row without what it need not say: Kong's open source knows no consumer groups."""
    row = dict(without_own_tags(row))
    if row.get("consumer_group", "") is None:
        row = {name: value for name, value in row.items() if name != "consumer_group"}
    return row


def _is_sent(collection: str, row: Row, gone: set[str]) -> bool:
    if row["id"] in gone:
        return False
    if collection == "plugins":
        on_gone = row.get("route") in gone or row.get("service") in gone
        return row.get("enabled") is not False and not on_gone
    return True
