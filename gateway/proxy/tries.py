# SPDX-License-Identifier: Apache-2.0
"""The attempts at an upstream, as log entries show them (Kong's ``tries``)."""

from __future__ import annotations

from time import time_ns
from typing import Any

_MILLISECOND = 1_000_000


class Tries:
    """Notes each attempt; ``rows`` has a dictionary for each.

    ``balancer_latency`` is the time until it was known where to connect to.
    """

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def begin(self, port: int) -> None:
        """Begin an attempt."""
        now = time_ns()
        self.rows.append(
            {
                "balancer_start": now // _MILLISECOND,
                "balancer_start_ns": now,
                "balancer_latency": 0,
                "balancer_latency_ns": 0,
                "port": port,
            }
        )

    def found(self, address: str) -> None:
        """The address is known."""
        last = self.rows[-1]
        last["ip"] = address
        took = time_ns() - last["balancer_start_ns"]
        last["balancer_latency"], last["balancer_latency_ns"] = took // _MILLISECOND, took

    def failed(self, code: int) -> None:
        """The last attempt ended without a response; ``code`` is what a client would get."""
        if self.rows:
            self.rows[-1] |= {"state": "failed", "code": code}
