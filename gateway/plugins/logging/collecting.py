# SPDX-License-Identifier: Apache-2.0
"""The requests of a turn of the event loop whose entries are written together; compiled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic, time
from typing import Final

from gateway.http.log_ids import named
from gateway.http.messages import Request, Response
from gateway.logs import get_logger
from gateway.plugins.logging.serializer import EntryTexts

SMALL: Final = 16384
"""Bytes of a body that may be kept a little longer."""
_MOST_WAITING: Final = 256
_log = get_logger("gateway.plugins.logging")


class EntryCollector:
    """Takes the requests of one handler, and hands their entries to its sink.

    ``add_all``: the sink. ``at_once`` takes a request whose entry cannot wait.
    """

    __slots__ = ("_at_once", "_waiting", "add_all")

    def __init__(
        self,
        add_all: Callable[[list[bytes]], None],
        at_once: Callable[[Request, Response], None],
    ) -> None:
        self.add_all = add_all
        self._at_once = at_once
        self._waiting: list[tuple[Request, Response]] = []

    def take(self, request: Request, response: Response) -> None:
        """Have an entry written: soon, together with those of other requests, where it can wait.

        The code and the entities are at the processor's hand then, which halves the time it takes.
        """
        if (
            request.log_fields
            or len(request.body) > SMALL
            # What is known of TLS goes with the connection.
            or request.connection.scheme == "https"
        ):
            self.write()
            self._at_once(request, response)
            return
        waiting = self._waiting
        if not waiting:
            asyncio.get_running_loop().call_soon(self.write)
        waiting.append((request, response))
        if len(waiting) >= _MOST_WAITING:
            self.write()

    def write(self) -> None:
        """Write the entries of the requests that wait."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        texts = EntryTexts(time() - monotonic())
        made: list[bytes] = []
        for request, response in waiting:
            try:
                made.append(texts.write(request, response))
            except Exception:
                _log.exception("log handler failed", **named(request))
        self.add_all(made)
