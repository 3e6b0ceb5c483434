# SPDX-License-Identifier: Apache-2.0
"""What became of log entries, by plugin: plain numbers that only grow."""

from __future__ import annotations

from typing import Any


class LogCounts:
    """One for a worker, kept over releases."""

    def __init__(self) -> None:
        self._sent: dict[str, int] = {}
        self._dropped: dict[str, dict[str, int]] = {}

    def sent(self, plugin: str, number: int = 1) -> None:
        """Count entries that their sink has taken."""
        self._sent[plugin] = self._sent.get(plugin, 0) + number

    def dropped(self, plugin: str, reason: str, number: int = 1) -> None:
        """Count entries that no sink will get; ``reason`` is one of a few words."""
        reasons = self._dropped.setdefault(plugin, {})
        reasons[reason] = reasons.get(reason, 0) + number

    def report(self) -> dict[str, Any]:
        """Return ``sent`` by plugin, and ``dropped`` by plugin and reason."""
        dropped = {plugin: dict(reasons) for plugin, reasons in self._dropped.items()}
        return {"sent": dict(self._sent), "dropped": dropped}
