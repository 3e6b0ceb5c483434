# SPDX-License-Identifier: Apache-2.0
"""Trying again: while an endpoint is just starting, and after requests that were too many."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from gateway.errors import EndpointUnreachable

_T = TypeVar("_T")
_START_SECONDS = 30.0
_PAUSE_SECONDS = 0.2
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0


def with_retry(
    action: Callable[[], _T], cancelled: threading.Event, seconds: float = _START_SECONDS
) -> _T:
    """Return what ``action`` returns, repeating it for ``seconds`` while it is unreachable.

    Raises its last EndpointUnreachable then, or as soon as the operation is cancelled.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return action()
        except EndpointUnreachable:
            if time.monotonic() >= deadline or cancelled.wait(_PAUSE_SECONDS):
                raise


def pause_before_retry(attempt: int, retry_after: str, now: datetime | None = None) -> float:
    """Return for how many seconds to wait before the next attempt; the first one was number 0.

    What the response says counts (RFC 9110 section 10.2.3: seconds, or a date). Without it the
    pause doubles, and chance spreads those who were refused together.
    """
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(attempt, 16))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - nobody gains by guessing it
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())
