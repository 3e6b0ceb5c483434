# SPDX-License-Identifier: Apache-2.0
"""librdkafka's log and lost records folded into ours, without flooding it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Protocol

from gateway.errors import ProduceError
from gateway.logs import get_logger

_log = get_logger("gateway.kafka")

INTERVAL = 10.0
"""Seconds between two lines of the same kind."""
_MAX_KINDS = 64
_WARNING = 4
"""syslog's level; smaller is worse."""


class Timer(Protocol):
    """What ``Later`` gives back."""

    def cancel(self) -> None:
        """Call it no more."""
        ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Calls something after so many seconds: the event loop's ``call_later``."""


class ClientLog:
    """Writes at most one line of a kind every ten seconds, with how many were left out.

    Of records every single one is counted in a line: in the first, or in the one at the end of
    the ten seconds.
    """

    def __init__(self, name: str, later: Later, clock: Callable[[], float] = monotonic) -> None:
        self._log = _log.bind(kafka=name)
        self._later = later
        self._clock = clock
        self._kinds: dict[str, tuple[float, int]] = {}
        self._losses: dict[tuple[str, ...], _Loss] = {}

    def librdkafka(self, level: int, facility: str, message: str) -> None:
        """Take a line of librdkafka."""
        if level <= _WARNING:
            self._limited(facility, "librdkafka", facility=facility, text=message)
        else:
            self._log.debug("librdkafka", facility=facility, text=message)

    def record(
        self,
        event: str,
        error: ProduceError,
        topic: str = "",
        route: str | None = None,
        ids: Mapping[str, str] | None = None,
    ) -> None:
        """Report a record that is not written; the line has the last request's id of its kind."""
        kind = (event, error.reason, topic, route or "")
        loss = self._losses.get(kind)
        if loss is None:
            if len(self._losses) >= _MAX_KINDS:
                kind, topic, route = (event, error.reason, "", ""), "several", "several"
                loss = self._losses.get(kind)
            if loss is None:
                loss = self._losses[kind] = _Loss(event)
                # Not at once: what fails with it comes in the same turn.
                loss.timer = self._later(0.0, lambda: self._write(kind))
        loss.records += 1
        loss.fields = {
            "reason": error.reason,
            "detail": error.detail,
            "topic": topic,
            "route": route,
            **(ids or {"request_id": None}),
        }

    def close(self) -> None:
        """Write what was counted and not written yet."""
        for kind, loss in list(self._losses.items()):
            if loss.timer is not None:
                loss.timer.cancel()
            loss.timer = None
            self._write(kind, last=True)

    def bug(self, error: Exception) -> None:
        """Report that a sender's callback failed."""
        _log.error("delivery callback failed", exc_info=error)

    def error(self, reason: str, detail: str) -> None:
        """Report an error that belongs to no record."""
        self._limited(f"error {reason}", "kafka error", reason=reason, detail=detail)

    def note(self, event: str, **fields: Any) -> None:
        """Report a change that is seldom by nature."""
        self._log.warning(event, **fields)

    def _write(self, kind: tuple[str, ...], *, last: bool = False) -> None:
        loss = self._losses[kind]
        if loss.records:
            self._log.warning(loss.event, **loss.fields, records=loss.records)
        if last or not loss.records:
            del self._losses[kind]
            return
        loss.records = 0
        loss.timer = self._later(INTERVAL, lambda: self._write(kind))

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


class _Loss:
    """Records of one kind since the last line."""

    __slots__ = ("event", "fields", "records", "timer")

    def __init__(self, event: str) -> None:
        self.event = event
        self.fields: dict[str, Any] = {}
        self.records = 0
        self.timer: Timer | None = None
