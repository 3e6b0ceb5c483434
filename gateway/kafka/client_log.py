# SPDX-License-Identifier: Apache-2.0
"""librdkafka's log and lost records folded into ours, without flooding it."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from gateway.logs import get_logger

_log = get_logger("gateway.kafka")

INTERVAL = 10.0
"""Seconds between two lines of the same kind."""
_MAX_KINDS = 64
_WARNING = 4
"""syslog's level; smaller is worse."""


class ClientLog:
    """Writes at most one line of a kind every ten seconds, with how many were left out."""

    def __init__(self, name: str, clock: Callable[[], float] = monotonic) -> None:
        self._log = _log.bind(kafka=name)
        self._clock = clock
        self._kinds: dict[str, tuple[float, int]] = {}

    def librdkafka(self, level: int, facility: str, message: str) -> None:
        """Take a line of librdkafka."""
        if level <= _WARNING:
            self._limited(facility, "librdkafka", facility=facility, text=message)
        else:
            self._log.debug("librdkafka", facility=facility, text=message)

    def lost(self, reason: str, detail: str) -> None:
        """Report a record that will not be written and whose sender was not told."""
        self._limited(f"lost {reason}", "record lost", reason=reason, detail=detail)

    def bug(self, error: Exception) -> None:
        """Report that a sender's callback failed."""
        _log.error("delivery callback failed", exc_info=error)

    def error(self, reason: str, detail: str) -> None:
        """Report an error that belongs to no record."""
        self._limited(f"error {reason}", "kafka error", reason=reason, detail=detail)

    def note(self, event: str, **fields: Any) -> None:
        """Report a change that is seldom by nature."""
        self._log.warning(event, **fields)

    def _limited(self, kind: str, event: str, **fields: Any) -> None:
        now = self._clock()
        if kind not in self._kinds and len(self._kinds) >= _MAX_KINDS:
            kind = "other"
        after, left_out = self._kinds.get(kind, (0.0, 0))
        if now < after:
            self._kinds[kind] = (after, left_out + 1)
            return
        self._kinds[kind] = (now + INTERVAL, 0)
        if left_out:
            fields["left_out"] = left_out
        self._log.warning(event, **fields)
