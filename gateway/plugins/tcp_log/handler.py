# SPDX-License-Identifier: Apache-2.0
"""``tcp-log`` at work."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from gateway.errors import OutgoingError, ReleaseRefused
from gateway.names.addresses import bare_host
from gateway.outgoing.tls import tls_context
from gateway.plugins.base import PluginContext
from gateway.plugins.logging.handler import OWN_LIMITS, LogHandler


class TcpLog(LogHandler):
    """Sends entries over one connection, which is made when there is something to send."""

    name = "tcp-log"

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._timeout = config.timeout / 1000
        self._tls: ssl.SSLContext | None = None
        if config.tls:
            try:
                self._tls = tls_context(config.ssl_verify, context.trusted_ca)
            except (ssl.SSLError, OSError) as error:
                raise ReleaseRefused([f"tcp-log: TLS cannot be used: {error}"]) from None
        self._place = f"{config.host}:{config.port}"
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._sending = self._closed = False
        self.use_queue(OWN_LIMITS)

    async def send(self, entries: list[bytes]) -> int:
        """Send the entries as lines; return when the kernel has them all."""
        self._sending = True
        try:
            async with asyncio.timeout(self._timeout):
                writer = await self._connection()
                writer.write(b"\n".join(entries) + b"\n")
                await writer.drain()
        except TimeoutError:
            self._disconnect()
            text = f"{self._place}: not sent within {self._timeout:g} s"
            raise OutgoingError(text) from None
        except OSError as error:
            self._disconnect()
            raise OutgoingError(f"{self._place}: {error.strerror or error}") from None
        except BaseException:
            self._disconnect()
            raise
        finally:
            self._sending = False
            self._rest()
        self.context.logs.counts.sent(self.name, len(entries))
        return len(entries)

    def close(self) -> None:
        """Give the queue back, and the connection when nothing is being sent."""
        super().close()
        self._closed = True
        if not self._sending:
            self._disconnect()

    async def _connection(self) -> asyncio.StreamWriter:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._open is not None:
            reader, writer = self._open
            # The server may have closed it since.
            if not (reader.at_eof() or writer.is_closing()):
                return writer
            self._disconnect()
        config = self.config
        host = bare_host(config.host)
        name = (config.tls_sni or host) if self._tls is not None else None
        self._open = await asyncio.open_connection(
            host, config.port, ssl=self._tls, server_hostname=name
        )
        writer = self._open[1]
        # So that ``drain`` waits until nothing is left here.
        writer.transport.set_write_buffer_limits(0)
        return writer

    def _rest(self) -> None:
        """Keep the connection for a while, unless nobody will use it."""
        if self._open is None:
            return
        if self._closed:
            self._disconnect()
            return
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(self.config.keepalive / 1000, self._disconnect)

    def _disconnect(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        opened, self._open = self._open, None
        if opened is not None:
            writer = opened[1]
            if writer.transport.get_write_buffer_size():
                writer.transport.abort()
            else:
                writer.close()
