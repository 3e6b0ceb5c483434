# SPDX-License-Identifier: Apache-2.0
"""Sending at once what librdkafka would keep for its linger time."""

from __future__ import annotations

import threading
from typing import Any

from gateway.kafka.librdkafka import lib


class Pusher:
    """The thread that calls ``rd_kafka_flush``; asleep unless there is something to push.

    Pushes are counted, so that none is under way that ``busy`` does not tell of: it is read by who
    must not have anything sent meanwhile.
    """

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._wanted = threading.Lock()
        self._wanted.acquire()
        self._stopped = False
        self._asked = 0
        self._done = 0
        self._due = False
        self._flushing = False
        self._thread = threading.Thread(target=self._run, name="kafka-push", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether a push is wanted or under way."""
        return self._asked != self._done

    def push(self) -> None:
        """Send what is queued."""
        self._due = True
        self._asked += 1
        if self._wanted.locked():
            self._wanted.release()

    def forget(self) -> bool:
        """Drop a push that the thread has not come to; return whether one is under way."""
        self._due = False
        return self._flushing

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
            asked = self._asked
            if asked != self._done:
                # In this order: who forgets it and sees none under way can rely on that.
                self._flushing = True
                if self._due:
                    flush(self._handle, 1)
                self._flushing = False
                self._done = asked
