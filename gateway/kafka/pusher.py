# SPDX-License-Identifier: Apache-2.0
"""Sending at once what librdkafka would keep for its linger time."""

from __future__ import annotations

import threading
from typing import Any

from gateway.kafka.librdkafka import lib


class Pusher:
    """The thread that calls ``rd_kafka_flush``; asleep unless there is something to push.

    ``busy``: a push is wanted or under way.
    """

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._wanted = threading.Lock()
        self._wanted.acquire()
        self._stopped = False
        self.busy = False
        self._thread = threading.Thread(target=self._run, name="kafka-push", daemon=True)
        self._thread.start()

    def push(self) -> None:
        """Send what is queued."""
        self.busy = True
        if self._wanted.locked():
            self._wanted.release()

    def stop(self) -> None:
        """End the thread; blocks until it has."""
        self._stopped = True
        self.push()
        self._thread.join()

    def _run(self) -> None:
        flush, wanted = lib.rd_kafka_flush, self._wanted
        while True:
            wanted.acquire()
            if self._stopped:
                return
            flush(self._handle, 1)
            self.busy = not wanted.locked()
