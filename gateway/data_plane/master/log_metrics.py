# SPDX-License-Identifier: Apache-2.0
"""The metrics of what is logged elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.data_plane.master.exposition import Exposition, labels


def add_logs(text: Exposition, counters: Mapping[str, Any]) -> None:
    """Add what became of log entries, by plugin."""
    text.family(
        "kafka_gateway_log_entries_total",
        "counter",
        "Log entries that their sinks have taken, by plugin.",
        [(labels(plugin=plugin), n) for plugin, n in sorted(counters.get("sent", {}).items())],
    )
    text.family(
        "kafka_gateway_log_entries_dropped_total",
        "counter",
        "Log entries that no sink got, by plugin and reason.",
        [
            (labels(plugin=plugin, reason=reason), number)
            for plugin, reasons in sorted(counters.get("dropped", {}).items())
            for reason, number in sorted(reasons.items())
        ],
    )
