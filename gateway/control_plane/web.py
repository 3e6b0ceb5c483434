# SPDX-License-Identifier: Apache-2.0
"""Serving ASGI applications on sockets of ours, with the limits of our own HTTP server."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence

from starlette.types import ASGIApp

from gateway.control_plane.asgi import AsgiApplication
from gateway.errors import SettingsError
from gateway.http.generated_responses import JSON
from gateway.http.limits import Limits
from gateway.http.server import Listener, Server
from gateway.settings.listen import ListenAddress
from gateway.settings.settings import env_name

_GRACE = 2.0
"""Seconds that requests under way have when the server stops."""


class WebServer:
    """One ASGI application on some sockets that listen already.

    ``limits`` hold before anything is known of the caller: silent, half-sent, slow and too large
    requests are ended, and connections counted, as on the proxy's listeners.
    """

    def __init__(
        self,
        app: ASGIApp,
        sockets: Sequence[socket.socket],
        limits: Limits,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._server = Server(AsgiApplication(app), limits, headers=("server",), default_type=JSON)
        self._listeners = [Listener(sock, tls) for sock in sockets]

    async def start(self) -> None:
        """Serve; returns when connections are accepted."""
        await self._server.start(self._listeners)

    async def stop(self) -> None:
        """Stop accepting, let requests under way end, at most for two seconds."""
        await self._server.drain(_GRACE)


def listen(address: ListenAddress, setting: str) -> socket.socket:
    """Open a listening socket; raises ``SettingsError`` naming the setting when that fails."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server(
            (address.host, address.port), family=family, backlog=address.backlog
        )
    except OSError as error:
        text = f"{env_name(setting)}: cannot listen on {address}: {error.strerror}"
        raise SettingsError(f"{text}; free the port or choose another address") from None
