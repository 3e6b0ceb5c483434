# SPDX-License-Identifier: Apache-2.0
"""Clients that send one request under one idempotency key until they have an answer."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Sequence

from tests.support.waiting import PATIENCE


class Retrying:
    """Many clients at once, each on a thread; ``statuses`` are the last ones they got.

    A client goes on to the next of its ports when a connection breaks, and asks again after a
    409 with Retry-After or a 503.
    """

    def __init__(
        self, ports: Sequence[int], key: str, count: int = 100, within: float = 120
    ) -> None:
        self.statuses: Counter[int] = Counter()
        self.bodies: set[bytes] = set()
        self.broken = 0
        self._key = key
        self._end = time.monotonic() + within
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, args=([*ports[n % len(ports) :], *ports],))
            for n in range(count)
        ]

    def start(self) -> Retrying:
        """Send all requests."""
        for thread in self._threads:
            thread.start()
        return self

    def join(self) -> Retrying:
        """Wait until each client has its answer, or has run out of time (status 0)."""
        for thread in self._threads:
            thread.join()
        return self

    def _run(self, ports: Sequence[int]) -> None:
        attempt = 0
        while time.monotonic() < self._end:
            status, again, body = self._ask(ports[attempt % len(ports)])
            if status and not again:
                break
            attempt += status == 0
            time.sleep(0.05)
        with self._lock:
            self.statuses[status] += 1
            self.bodies.add(body)

    def _ask(self, port: int) -> tuple[int, bool, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            headers = {"Idempotency-Key": self._key, "Content-Type": "application/json"}
            connection.request("POST", "/orders", b'{"order": 1}', headers)
            response = connection.getresponse()
            again = response.getheader("Retry-After") is not None
            return response.status, again, response.read()
        except (OSError, http.client.HTTPException):
            with self._lock:
                self.broken += 1
            return 0, True, b""
        finally:
            connection.close()
