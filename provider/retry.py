# SPDX-License-Identifier: Apache-2.0
"""Trying again while an endpoint is just starting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from gateway.errors import EndpointUnreachable

_T = TypeVar("_T")
_START_SECONDS = 30.0
_PAUSE_SECONDS = 0.2


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
