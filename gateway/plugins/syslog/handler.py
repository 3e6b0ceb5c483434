# SPDX-License-Identifier: Apache-2.0
"""``syslog`` at work: RFC 3164, as programs write it to the socket of their own machine."""

from __future__ import annotations

import os
import socket
from time import localtime, strftime, time
from typing import Any

from gateway.http.messages import Request, Response
from gateway.plugins.base import PluginContext
from gateway.plugins.logging.datagrams import LIMITS, Datagrams, local_socket, udp_socket
from gateway.plugins.logging.handler import LogHandler

_SOCKETS = ("/dev/log", "/var/run/syslog")
_ELSEWHERE = ("127.0.0.1", 514)
_SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_FACILITIES = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron"),
    *("authpriv", "ftp", "", "", "", "", "local0", "local1", "local2", "local3", "local4"),
    *("local5", "local6", "local7"),
)
"""By their numbers (RFC 3164 section 4.1.1, syslog(3))."""


class Syslog(LogHandler):
    """Writes entries that are important enough."""

    name = "syslog"

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._successes = self._priority(config.successful_severity)
        self._client_errors = self._priority(config.client_errors_severity)
        self._server_errors = self._priority(config.server_errors_severity)
        self._ident = f" kong[{os.getpid()}]: ".encode()
        self._second = 0
        self._stamp = b""
        self._datagrams = Datagrams("syslog", _connect, self.name, context.logs.counts)
        self.use_queue(LIMITS, "syslog")

    def log(self, request: Request, response: Response) -> None:
        """Hand the entry over, if its severity is one that is written."""
        status = response.status
        if status < 400:
            priority = self._successes
        else:
            priority = self._client_errors if status < 500 else self._server_errors
        if priority:
            self.add(b"".join((priority, self._now(), self._ident, self.entry(request, response))))

    async def send(self, entries: list[bytes]) -> int:
        """Write the entries."""
        return await self._datagrams.send(entries)

    def _priority(self, severity: str) -> bytes:
        """Return how messages of a severity begin; nothing where they are not written."""
        number = _SEVERITIES.index(severity)
        if number > _SEVERITIES.index(self.config.log_level):
            return b""
        return b"<%d>" % (8 * _FACILITIES.index(self.config.facility) + number)

    def _now(self) -> bytes:
        second = int(time())
        if second != self._second:
            self._second = second
            self._stamp = strftime("%b %e %H:%M:%S", localtime(second)).encode()
        return self._stamp


async def _connect() -> socket.socket:
    path = _path()
    return await udp_socket(*_ELSEWHERE, within=1.0) if path is None else local_socket(path)


def _path() -> str | None:
    return next((path for path in _SOCKETS if os.path.exists(path)), None)
