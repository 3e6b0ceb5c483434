# SPDX-License-Identifier: Apache-2.0
"""What our data planes tell beside Kong's protocol, where somebody wants to know."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

from gateway.control_plane.traffic import Traffic
from gateway.errors import ClusterError
from gateway.hybrid.extensions import (
    REPORT,
    REPORTS,
    TRACE,
    RequestTrace,
    TriedRequest,
    encode,
    read_report,
    read_trace,
    type_of,
)

Send = Callable[[bytes], Awaitable[None]]

_WITHIN = 30.0
"""Seconds that a data plane has for a request that is tried."""


class NodeExtensions:
    """Takes messages of data planes that are no part of Kong's protocol, and sends some.

    Lives on one event loop.
    """

    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic
        self._senders: dict[str, Send] = {}
        self._waiting: dict[str, tuple[str, Send, asyncio.Future[RequestTrace]]] = {}

    @property
    def names(self) -> str:
        """What data planes are told that they may send."""
        return REPORTS

    def arrive(self, node: str, send: Send) -> None:
        """Note how a data plane that is connected is sent something."""
        self._senders[node] = send

    def leave(self, node: str, send: Send) -> None:
        """Note that one of a data plane's connections has ended; it may have a newer one."""
        if self._senders.get(node) == send:
            self.traffic.forget(node)
            del self._senders[node]
        for of, over, waiting in list(self._waiting.values()):
            if of == node and over == send and not waiting.done():
                waiting.set_exception(ClusterError("the data plane's connection has ended"))

    def take(self, node: str, frame: bytes) -> bool:
        """Take a message in; False when it is none of ours. Raises ``ClusterError``."""
        kind = type_of(frame)
        if not kind.startswith("kafka_gateway_"):
            return False
        if kind == REPORT:
            self.traffic.take(node, read_report(frame))
        elif kind == TRACE:
            trace = read_trace(frame)
            found = self._waiting.get(trace.id)
            if found is not None and found[0] == node and not found[2].done():
                found[2].set_result(trace)
        else:
            raise ClusterError(f"the data plane sent a message that nobody asked for: {kind[:40]}")
        return True

    async def try_request(self, node: str, request: TriedRequest) -> RequestTrace:
        """Have a data plane serve a request; return what it did with it.

        Raises ``ClusterError`` where it does not allow that, has gone or takes too long.
        """
        state, send = self.traffic.nodes.get(node), self._senders.get(node)
        if state is None or send is None or not state.traces:
            raise ClusterError("the data plane is not connected, or lets nobody try requests")
        request.id = str(uuid4())
        future: asyncio.Future[RequestTrace] = asyncio.get_running_loop().create_future()
        self._waiting[request.id] = node, send, future
        try:
            await send(encode(request))
            async with asyncio.timeout(_WITHIN):
                return await future
        except TimeoutError:
            raise ClusterError(f"the data plane has not told within {_WITHIN:.0f} s") from None
        finally:
            del self._waiting[request.id]
