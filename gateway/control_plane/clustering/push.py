# SPDX-License-Identifier: Apache-2.0
"""A release made ready to be sent: the bytes, and what a data plane must have to take them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.entities.checks import Table
from gateway.entities.plugin_types import plugin_types
from gateway.hybrid.config_hash import ZERO_HASH, config_hash
from gateway.hybrid.config_table import config_table
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

    def confirmed_by(self, reported: str) -> bool:
        """Tell whether a data plane that reports this hash serves the configuration.

        Kong's data planes report zeros for an empty configuration, whatever hash came with it.
        """
        return reported == self.hash or (self.empty and reported == ZERO_HASH)


def prepare(table: Table) -> Push:
    """Make a flat configuration ready to be sent."""
    sent = config_table(table)
    types = plugin_types()
    names = {row["name"] for row in sent.get("plugins", ())}
    return Push(
        hash=config_hash(sent)[0],
        payload=reconfigure_payload(sent),
        plugins={name: types[name].version for name in sorted(names) if name in types},
        empty=is_empty(sent),
    )
