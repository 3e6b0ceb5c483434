# SPDX-License-Identifier: Apache-2.0
"""The session with one connected data plane (Kong 3.10 ``kong/clustering/control_plane.lua``).

The data plane's first frame tells what it is. It is sent configurations and responds with pings
that carry the hash of the one in force, or with an error frame when it cannot serve one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import orjson
from wsproto.events import BytesMessage, Ping

from gateway import COMPATIBLE_WITH
from gateway.control_plane.clustering.compat import check_plugins, check_version
from gateway.control_plane.clustering.data_planes import DataPlane, DataPlanes
from gateway.control_plane.clustering.extensions import NodeExtensions
from gateway.control_plane.clustering.push import Push
from gateway.control_plane.clustering.push_spans import PushSpans
from gateway.errors import ClusterError
from gateway.hybrid.config_hash import is_hash
from gateway.hybrid.extensions import TRACES
from gateway.hybrid.server_socket import ServerSocket
from gateway.hybrid.websocket import GOING_AWAY, POLICY, Received
from gateway.logs import get_logger
from gateway.plugins.opentelemetry.process_spans import NO_SPANS, ProcessSpans

_LABELS, _LABEL_LENGTH = 10, 63
_MAX_REASON = 2000
"""Characters kept of the reason for which a data plane refuses."""


@dataclass(frozen=True)
class Timing:
    """How long a session waits, in seconds."""

    handshake: float = 10.0
    """For TLS, for the upgrade and for the first frame, each."""
    liveness: float = 45.0
    """For the next ping: one and a half times the 30 s at which data planes send them."""
    settle: float = 5.0
    """For the response to one configuration before the next is sent over it."""
    close: float = 1.0
    """For the data plane's own close frame."""


class Session:
    """One data plane on one connection, from its first frame on.

    ``offer`` may be called at any time; only the newest configuration offered is sent, and the
    next only after the response to the one before: what comes up meanwhile is coalesced.
    """

    def __init__(
        self,
        wire: ServerSocket,
        node: DataPlane,
        data_planes: DataPlanes,
        timing: Timing,
        extensions: NodeExtensions | None = None,
        spans: ProcessSpans = NO_SPANS,
    ) -> None:
        self.node = node
        self._wire = wire
        self._data_planes = data_planes
        self._timing = timing
        self._extensions = extensions
        self._pushes = PushSpans(spans, node)
        self._plugins: dict[str, str | None] = {}
        self._arrived = False
        self._latest: Push | None = None
        self._offered = asyncio.Event()
        self._sent: Push | None = None
        self._settled = asyncio.Event()
        self._ended = asyncio.Event()
        self._log = get_logger("gateway.control_plane.clustering").bind(
            data_plane=node.id, hostname=node.hostname, ip=node.ip
        )

    def offer(self, push: Push) -> None:
        """Have a configuration sent, at once or after the one under way, if it fits."""
        self._latest = push
        if self._arrived:
            self._offered.set()
            if not self._fits(push):
                self._latest = None

    async def run(self) -> None:
        """Talk until either side has enough. Raises ``ClusterError`` or ``OSError``."""
        messages = self._wire.messages()
        try:
            async with asyncio.timeout(self._timing.handshake):
                greeting = await anext(messages, None)
            if await self._greet(greeting):
                await self._serve(messages)
        except TimeoutError:
            raise ClusterError("the data plane has been silent for too long") from None
        finally:
            self._ended.set()
            await messages.aclose()

    async def close(self, reason: str) -> None:
        """Send a close frame, and wait a moment for the data plane's."""
        with contextlib.suppress(ClusterError, OSError, TimeoutError):
            async with asyncio.timeout(self._timing.close):
                await self._wire.close(GOING_AWAY, reason)
                await self._ended.wait()

    async def _greet(self, greeting: Received | None) -> bool:
        """Take in the first frame; return whether the conversation goes on."""
        info = _json(greeting) if isinstance(greeting, BytesMessage) else {}
        plugins = info.get("plugins")
        if info.get("type") != "basic_info" or not isinstance(plugins, list):
            await self._wire.close(POLICY, "expected basic_info with plugins")
            raise ClusterError("the first frame is not basic_info with a list of plugins")
        self._plugins = dict(_plugins(plugins))
        self._pushes.continued = info.get(TRACES) is True
        labels = info.get("labels")
        if isinstance(labels, dict):
            self.node.labels = dict(_labels(labels))
        self._warn_of_twins()
        try:
            self._data_planes.see(self.node)
        except ClusterError:
            await self._wire.close(POLICY, "too many data planes with this certificate")
            raise
        incompatible = check_version(COMPATIBLE_WITH, self.node.version)
        if incompatible is not None:
            self._data_planes.compare(self.node.id, incompatible)
            self._log.warning("data plane refused", reason=incompatible.reason)
            await self._wire.close(POLICY, incompatible.reason[:120])
        return incompatible is None

    def _warn_of_twins(self) -> None:
        """Tell of another machine with the same id, which is not the same node come back."""
        known, id_ = self._data_planes.get(self.node.id), self.node.id
        connected = known is not None and self._data_planes.contact(id_).sessions > 0
        if known is not None and connected and known.hostname != self.node.hostname:
            text = "two data planes have one id, and are taken for one: give each its own prefix"
            self._log.warning(text, other=known.hostname, other_ip=known.ip)

    async def _serve(self, messages: AsyncGenerator[Received, None]) -> None:
        self._data_planes.arrive(self.node.id)
        self._log.info("data plane connected", version=self.node.version, labels=self.node.labels)
        if self._extensions is not None:
            self._extensions.arrive(self.node.id, self._send_frame)
        self._arrived = True
        if self._latest is not None:
            self.offer(self._latest)
        sender = asyncio.create_task(self._send_latest())
        try:
            while True:
                async with asyncio.timeout(self._timing.liveness):
                    message = await anext(messages, None)
                    while isinstance(message, BytesMessage):
                        self._take_message(message)
                        message = await anext(messages, None)
                if message is None:
                    return
                if not isinstance(message, Ping):
                    raise ClusterError("the data plane sent a text frame")
                self._take_ping(bytes(message.payload))
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
            self._pushes.end("the connection has ended")
            self._data_planes.leave(self.node.id)
            if self._extensions is not None:
                self._extensions.leave(self.node.id, self._send_frame)
            self._log.info("data plane disconnected")

    def _take_ping(self, payload: bytes) -> None:
        reported = payload.decode("latin-1")
        if not is_hash(reported):
            raise ClusterError("a ping has something else than the hash of a configuration")
        self._wire.pong()
        self._data_planes.report(self.node.id, reported)
        if self._sent is not None and self._sent.confirmed_by(reported):
            self._pushes.end()
            self._settled.set()

    async def _send_frame(self, frame: bytes) -> None:
        await self._wire.send(BytesMessage(data=frame))

    def _take_message(self, message: BytesMessage) -> None:
        extensions, frame = self._extensions, bytes(message.data)
        if extensions is None or not extensions.take(self.node.id, frame):
            self._take_error(message)

    def _take_error(self, message: BytesMessage) -> None:
        frame = _json(message)
        error = frame.get("error")
        if frame.get("type") != "error" or not isinstance(error, dict):
            raise ClusterError("the data plane sent a frame that is neither ping nor error")
        sent = "" if self._sent is None else self._sent.hash
        named = error.get("config_hash")
        refused = str(named) if is_hash(named) else sent
        known = self._data_planes.get(self.node.id)
        if self._sent is not None and known is not None and refused == known.config_hash:
            # It could not even read which one it was, and named the one in force.
            refused = sent
        reason = str(error.get("message") or error.get("name") or "no reason given")[:_MAX_REASON]
        self._data_planes.refuse(self.node.id, refused, reason)
        self._log.warning("data plane refused the configuration", hash=refused, reason=reason)
        if refused == sent:
            self._pushes.end(reason)
            self._settled.set()

    async def _send_latest(self) -> None:
        while True:
            await self._offered.wait()
            self._offered.clear()
            push = self._latest
            if push is not None:
                await self._send(push)

    def _fits(self, push: Push) -> bool:
        incompatible = check_plugins(push.plugins, self._plugins)
        self._data_planes.compare(self.node.id, incompatible, push.hash)
        if incompatible is not None:
            self._log.warning("configuration withheld", hash=push.hash, reason=incompatible.reason)
        return incompatible is None

    async def _send(self, push: Push) -> None:
        self._sent = push
        self._settled.clear()
        known = self._data_planes.get(self.node.id)
        served = known is not None and push.confirmed_by(known.config_hash)
        ahead = b"" if served else self._pushes.begin(push)
        if ahead:
            await self._wire.send(BytesMessage(data=ahead))
        await self._wire.send(BytesMessage(data=push.payload))
        self._log.info("configuration sent", hash=push.hash, bytes=len(push.payload))
        if served:
            return  # nothing changes for it, so it has nothing to tell before its next ping
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timing.settle):
                await self._settled.wait()


def _json(message: BytesMessage) -> dict[str, Any]:
    try:
        found = orjson.loads(message.data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _labels(given: dict[Any, Any]) -> list[tuple[str, str]]:
    """Return what is kept of a data plane's labels: as much as ``cluster_dp_labels`` may hold."""
    texts = ((str(name), str(value)) for name, value in given.items())
    fitting = [pair for pair in texts if max(map(len, pair)) <= _LABEL_LENGTH]
    return fitting[:_LABELS]


def _plugins(items: list[Any]) -> list[tuple[str, str | None]]:
    return [
        (str(item["name"]), str(item["version"]) if item.get("version") is not None else None)
        for item in items
        if isinstance(item, dict) and item.get("name") is not None
    ]
