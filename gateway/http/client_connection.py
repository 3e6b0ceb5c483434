# SPDX-License-Identifier: Apache-2.0
"""What a request may use of the connection it came on, and what may have it afterwards."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol


class BodyStream(Protocol):
    """A request body that is read while it arrives; reading it lifts the back-pressure."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the chunks in order; raises ``ProtocolError`` if it breaks off."""
        ...


class ClientConnection(Protocol):
    """What a request may know of the connection it came on."""

    scheme: str
    """``http`` or ``https``: of the socket, not of X-Forwarded-Proto."""
    peer: tuple[str, int]
    """Address and port of the socket's other end, or of the client that a load balancer there names
    by the PROXY protocol."""
    here: str
    """Address of the socket's own end."""
    has_asked: bool
    """Set by applications whose limits displace: a request has come, not only a connection."""
    server_port: int
    sni: str | None

    @property
    def tls(self) -> tuple[str, str] | None:
        """Version and cipher of the connection; None without TLS."""
        ...

    @property
    def client_certificate(self) -> bytes | None:
        """The client's certificate (DER), if any: that it has the key is proven, no more."""
        ...

    @property
    def client_chain(self) -> Sequence[bytes]:
        """The client's certificate and those it sent along, in its order (DER)."""
        ...


class ConnectionUpgrade(ABC):
    """In place of the body of a 101: what has the connection from there on."""

    @abstractmethod
    def start(
        self,
        client: asyncio.Transport,
        early: bytes,
        paused: bool,
        ended: Callable[[int], None],
    ) -> None:
        """Become the protocol of ``client``, whose reading is paused.

        ``early`` is what came behind the request; ``paused``: the client does not take bytes for
        now. ``ended`` is called once at the end, with the bytes sent to the client; the protocol
        that ``client`` had hears ``connection_lost`` when the socket is gone.
        """

    @abstractmethod
    def abort(self) -> None:
        """Give up instead of starting."""
