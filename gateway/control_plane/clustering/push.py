# SPDX-License-Identifier: Apache-2.0
"""A release made ready to be sent: the bytes, and what a data plane must have to take them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.entities import Row
from gateway.entities.checks import Table
from gateway.entities.plugin_types import plugin_types
from gateway.hybrid.config_hash import ZERO_HASH, HashedRow, config_hash
from gateway.hybrid.config_table import Partials, config_table, sent_row
from gateway.hybrid.frame import is_empty, reconfigure_payload


@dataclass(frozen=True)
class Push:
    """What goes to every data plane for one release."""

    hash: str
    payload: bytes = field(repr=False)
    """The gzipped ``reconfigure`` message."""
    plugins: Mapping[str, str]
    """Plugins that occur in the configuration, name to our version."""
    empty: bool = False
    traceparent: str = ""
    """Of the call that wrote the newest release in it; empty where that is not recorded."""

    def confirmed_by(self, reported: str) -> bool:
        """Tell whether a data plane that reports this hash serves the configuration.

        Kong's data planes report zeros for an empty configuration, whatever hash came with it.
        """
        return reported == self.hash or (self.empty and reported == ZERO_HASH)


class SentRows:
    """Rows as data planes get them, with their part of the hash, made once for each row.

    Only those of the configuration that was made ready last are kept.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[int, ...], tuple[Row, Partials, HashedRow]] = {}

    def table(self, table: Table) -> dict[str, Any]:
        """Return a configuration as data planes get it."""
        before, made = self._made, {}

        def sent(row: Row, partials: Partials) -> Row:
            # Rows are never changed, and live at least as long as what is kept of them.
            key = (id(row), *map(id, partials))
            known = before.get(key) or (row, partials, HashedRow(sent_row(row, partials)))
            made[key] = known
            return known[2]

        result = config_table(table, sent)
        self._made = made
        return result


def prepare(table: Table, rows: SentRows | None = None) -> Push:
    """Make a flat configuration ready to be sent; ``rows`` keeps what the next one may share."""
    sent = (rows or SentRows()).table(table)
    digest, parts = config_hash(sent)
    types = plugin_types()
    names = {row["name"] for row in sent.get("plugins", ())}
    return Push(
        hash=digest,
        payload=reconfigure_payload(sent, parts),
        plugins={name: types[name].version for name in sorted(names) if name in types},
        empty=is_empty(sent),
    )
