# SPDX-License-Identifier: Apache-2.0
"""The data plane's end of Kong's hybrid protocol, version 1: dial, report, take releases.

The control plane's end of it is ``gateway/control_plane/clustering``. Kong 3.10 has both in
``kong/clustering/data_plane.lua`` and ``control_plane.lua``.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import quote

import orjson
from wsproto.events import BytesMessage, Ping

from gateway import COMPATIBLE_WITH
from gateway.data_plane.low_priority import at_low_priority
from gateway.data_plane.master.intake import ReleaseIntake
from gateway.data_plane.master.switch_spans import ReceivedFrame, SwitchSpans
from gateway.data_plane.master.traffic_reports import TrafficReports
from gateway.errors import ClusterError, ReleaseRefused, WorkerGone
from gateway.hybrid.client_socket import Address, ClientSocket
from gateway.hybrid.extensions import (
    PUSH,
    REPORTS,
    TRACES,
    TRY,
    RequestTrace,
    encode,
    read_push,
    read_tried,
    type_of,
)
from gateway.hybrid.frame import hash_of
from gateway.logs import get_logger
from gateway.plugins.opentelemetry.process_spans import NO_SPANS, ProcessSpans
from gateway.tasks import BackgroundTasks

_log = get_logger("gateway.cluster")

TryRequest = Callable[[bytes], Awaitable[str]]
"""Has a worker serve a request that is to be tried; returns its trace."""

_PING = 30.0
_REPORT = 5.0
"""Seconds between two reports on traffic."""
_SILENCE = 45.0
"""Seconds without any frame after which both ends give up: 1.5 times the pause between pings."""


@dataclass(frozen=True)
class NodeIdentity:
    """What the node says of itself: id, host name, labels, and its plugins (name and version)."""

    id: str
    hostname: str
    labels: Mapping[str, str]
    plugins: tuple[tuple[str, str], ...]

    def target(self) -> str:
        """Return the request target of the outlet, values escaped."""
        hostname = quote(self.hostname, safe="")
        return (
            f"/v1/outlet?node_id={self.id}&node_hostname={hostname}&node_version={COMPATIBLE_WITH}"
        )

    def basic_info(self, settings: Mapping[str, Any], *, traced: bool = False) -> bytes:
        """Return the first frame. ``settings`` must hold no secret.

        ``traced``: the control plane is one of ours, and is to say to which traces pushes belong.
        """
        message: dict[str, Any] = {
            "type": "basic_info",
            "plugins": [{"name": name, "version": version} for name, version in self.plugins],
            "process_conf": dict(settings),
            "filters": {},
        }
        if self.labels:
            message["labels"] = dict(self.labels)
        if traced:
            message[TRACES] = True
        return orjson.dumps(message)


class ClusterClient:
    """Keeps one connection to the control plane, for ever.

    ``intake`` takes each frame, the newest one only when several wait; what it refuses
    (``ReleaseRefused``) is reported. Its hash in force is the payload of pings.
    """

    def __init__(
        self,
        address: tuple[str, int],
        tls: tuple[ssl.SSLContext, str],
        node: NodeIdentity,
        intake: ReleaseIntake,
        *,
        process_conf: Mapping[str, Any] | None = None,
        pause: tuple[float, float] = (5.0, 10.0),
        largest: int = 16 * 1024**2,
        traffic: TrafficReports | None = None,
        try_request: TryRequest | None = None,
        spans: ProcessSpans = NO_SPANS,
    ) -> None:
        self.connected_since: float | None = None
        """Monotonic seconds; None while there is no connection."""
        self.failure = ""
        """Why the last connection could not be made or ended; empty while there is one."""
        self.tls = tls
        """Context and name for the next connection; may be replaced."""
        self._where = address
        self._target = node.target()
        self._node, self._process_conf = node, dict(process_conf or {})
        self._intake = intake
        self._pause = pause
        self._largest = largest
        self._traffic = traffic
        self._try_request = try_request
        self._tasks = BackgroundTasks()
        self._socket: ClientSocket | None = None
        self._waiting: ReceivedFrame | None = None
        self._spans = SwitchSpans(spans, node.id)
        self._traceparent = ""
        """What came ahead of the frame that comes next."""
        self._arrived = asyncio.Event()

    async def run(self) -> None:
        """Dial until cancelled. A connection that had lived is dialled again at once, once."""
        taking = asyncio.create_task(self._take_frames())
        try:
            while True:
                lived = await self._one_connection()
                pause = 0.0 if lived > self._pause[0] else random.uniform(*self._pause)  # noqa: S311
                await asyncio.sleep(pause)
        finally:
            taking.cancel()
            if self._socket is not None:
                await self._socket.leave()
            await self._spans.close()

    def report(self) -> None:
        """Tell the control plane the hash in force, now."""
        if self._socket is not None:
            with suppress(ClusterError):
                self._socket.write(Ping(payload=self._intake.hash_in_force.encode()))

    async def _one_connection(self) -> float:
        """Dial and stay until the connection ends; return for how many seconds it was there."""
        started = monotonic()
        context, name = self.tls
        address = Address(*self._where, name, self._target)
        where = f"{address.host}:{address.port}"
        try:
            self._socket = await ClientSocket.connect(address, context, self._largest)
            started = self.connected_since = monotonic()
            self.failure = ""
            _log.info("connected to the control plane", address=where)
            await self._talk(self._socket)
            reason = "the control plane closed the connection"
        except (ClusterError, OSError, TimeoutError) as error:
            reason = _reason(error)
        was_connected = self.connected_since is not None
        self._socket = self.connected_since = None
        event = "lost the control plane" if was_connected else "cannot reach the control plane"
        # An outage is logged once, not at every attempt.
        log = _log.debug if self.failure == reason else _log.warning
        self.failure = reason
        log(event, address=where, reason=reason)
        return monotonic() - started if was_connected else 0.0

    async def _talk(self, socket: ClientSocket) -> None:
        traced = self._spans.enabled and TRACES in socket.extensions
        self._traceparent = ""
        socket.write(BytesMessage(data=self._node.basic_info(self._process_conf, traced=traced)))
        self.report()
        telling = [asyncio.create_task(self._ping())]
        if self._traffic is not None and REPORTS in socket.extensions:
            telling.append(asyncio.create_task(self._tell_traffic(socket, self._traffic)))
        try:
            async for message in socket.messages(_SILENCE):
                if isinstance(message, Ping):
                    socket.pong(bytes(message.payload))
                elif isinstance(message, BytesMessage):
                    self._take_message(socket, bytes(message.data))
                else:
                    raise ClusterError("the control plane sent a text frame")
        finally:
            for task in telling:
                task.cancel()
            await socket.leave()

    def _take_message(self, socket: ClientSocket, data: bytes) -> None:
        """Take a configuration, or what a control plane of ours says beside them."""
        if data[:1] != b"{":
            self._waiting = ReceivedFrame(data, self._traceparent)
            self._traceparent = ""
            self._arrived.set()
        elif self._spans.enabled and type_of(data) == PUSH:
            self._traceparent = read_push(data).traceparent
        else:
            self._tasks.start(self._try(socket, data))

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(_PING)
            self.report()

    async def _tell_traffic(self, socket: ClientSocket, traffic: TrafficReports) -> None:
        """Tell a control plane of ours what is counted; what fails is told next time."""
        await traffic.begin()
        while True:
            await asyncio.sleep(_REPORT)
            report = encode(await traffic.next())
            with suppress(ClusterError):
                socket.write(BytesMessage(data=report))

    async def _try(self, socket: ClientSocket, frame: bytes) -> None:
        """Serve a request that a control plane of ours wants tried, where this node allows it."""
        if self._try_request is None or type_of(frame) != TRY:
            _log.warning("frame ignored", reason="no requests are tried on this node")
            return
        try:
            wanted = read_tried(frame)
        except ClusterError as error:
            _log.warning("frame ignored", reason=str(error))
            return
        try:
            trace = (await self._try_request(frame)).encode()
        except (ClusterError, WorkerGone, TimeoutError) as error:
            trace = encode(RequestTrace(wanted.id, error=str(error) or "it took too long"))
        with suppress(ClusterError):
            socket.write(BytesMessage(data=trace))

    async def _take_frames(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            frame, self._waiting = self._waiting, None
            if frame is None:
                continue
            try:
                async with self._spans.taking(frame, self._intake):
                    await self._intake.take(frame.content)
                self.report()
            except ReleaseRefused as error:
                self._refuse(error)
            except ClusterError as error:
                _log.error("frame ignored", reason=str(error))
            except Exception as error:
                _log.exception("release not applied")
                reason = f"the release cannot be applied: {type(error).__name__} (see the log)"
                refused = ReleaseRefused([reason])
                refused.hash = await at_low_priority(hash_of, frame.content)
                self._refuse(refused)

    def _refuse(self, error: ReleaseRefused) -> None:
        """Report why a release cannot be served; the old one stays in force."""
        report = {
            "name": "declarative configuration parse failure",
            "message": str(error),
            "source": "kafka-gateway",
            "config_hash": error.hash or self._intake.hash_in_force,
            "problems": error.errors,
        }
        _log.error("release refused", hash=error.hash, problems=error.errors)
        if self._socket is not None:
            with suppress(ClusterError):
                self._socket.write(
                    BytesMessage(data=orjson.dumps({"type": "error", "error": report}))
                )


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, TimeoutError) and not str(error):
        return "it does not respond"
    return str(error) or type(error).__name__
