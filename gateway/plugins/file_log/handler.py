# SPDX-License-Identifier: Apache-2.0
"""``file-log`` at work."""

from __future__ import annotations

from functools import partial
from typing import Any

from gateway.errors import OutgoingError
from gateway.plugins.base import PluginContext
from gateway.plugins.logging.files import LogFile, in_thread
from gateway.plugins.logging.handler import OWN_LIMITS, LogHandler


class FileLog(LogHandler):
    """Appends to its file in a thread; plugins of the same path have one queue."""

    name = "file-log"

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._path: str = config.path
        self._file = LogFile(config.path, reopen=config.reopen)
        self.use_queue(OWN_LIMITS, (config.path, config.reopen))

    async def send(self, entries: list[bytes]) -> int:
        """Append the entries."""
        try:
            done = await in_thread(partial(self._file.append, entries))
        except OSError as error:
            reason = error.strerror or str(error)
            raise OutgoingError(f"cannot write to {self._path}: {reason}") from None
        self.context.logs.counts.sent(self.name, done)
        return done
