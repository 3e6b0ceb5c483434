# SPDX-License-Identifier: Apache-2.0
"""Serving ASGI applications on sockets of ours, inside a loop of ours (uvicorn)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp

from gateway.errors import SettingsError
from gateway.listen import ListenAddress
from gateway.settings import env_name

_GRACE = 2
"""Seconds that requests under way have when the server stops."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()

    async def main_loop(self) -> None:
        """Renew the Date header every second, and wake up at once to stop (uvicorn polls)."""
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 10  # uvicorn counts tenths of a second
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), 1.0)

    def stop(self) -> None:
        """End the main loop."""
        self.should_exit = True
        self._stopping.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the control plane, which has more than one server to stop."""
        yield


class WebServer:
    """One ASGI application on some sockets that listen already."""

    def __init__(
        self, app: ASGIApp, sockets: Sequence[socket.socket], tls: ssl.SSLContext | None = None
    ) -> None:
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE,
        )
        config.load()
        config.ssl = tls
        self._server = _Server(config)
        self._sockets = list(sockets)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Serve; returns when connections are accepted."""
        self._task = asyncio.create_task(self._server.serve(self._sockets))
        while not self._server.started:
            if self._task.done():
                await self._task
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Stop accepting, let requests under way end, at most for two seconds."""
        self._server.stop()
        if self._task is not None:
            await self._task


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
