# SPDX-License-Identifier: Apache-2.0
"""The cluster client against the real control plane, and against peers that misbehave."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, Event, Ping, Pong, Request

from gateway.data_plane.master import control_plane_client as module
from gateway.data_plane.master.control_plane_client import ClusterClient, NodeIdentity
from gateway.data_plane.master.intake import ReleaseIntake
from gateway.data_plane.master.node_release import parse_frame
from gateway.errors import ClusterError, ReleaseRefused
from gateway.hybrid.config_hash import ZERO_HASH
from gateway.hybrid.frame import hash_of, reconfigure_payload
from gateway.pem import load_chain
from tests.support.authority import Authority
from tests.support.control_plane import NAME, Place, certificates, running
from tests.support.http import until
from tests.support.peer import all_plugins
from tests.support.waiting import PATIENCE

DOCUMENT = {"services": {"s": {"url": "http://h/", "routes": {"r": {"paths": ["/a"]}}}}}
ID = "6f0b0d0a-3f3c-4a44-9b0a-000000000001"


class Taker(ReleaseIntake):
    """The node behind a client: takes releases, or refuses them."""

    def __init__(self, refusal: str = "") -> None:
        self.hash = ZERO_HASH
        self.refusal = refusal
        self.frames: list[bytes] = []

    @property
    def hash_in_force(self) -> str:
        return self.hash

    async def take(self, frame: bytes) -> None:
        self.frames.append(frame)
        release = parse_frame(frame)
        assert release is not None
        if self.refusal:
            error = ReleaseRefused([self.refusal])
            error.hash = release.hash
            raise error
        self.hash = release.hash


def node() -> NodeIdentity:
    plugins = tuple((one["name"], one["version"]) for one in all_plugins())
    return NodeIdentity(ID, "höst/1", {"region": "eu"}, plugins)


@asynccontextmanager
async def client(
    port: int, tls: ssl.SSLContext, taker: Taker, name: str = NAME, **options: Any
) -> AsyncIterator[ClusterClient]:
    """Run a client until the end of the block."""
    made = ClusterClient(
        ("127.0.0.1", port),
        (tls, name),
        node(),
        taker,
        pause=(0.01, 0.02),
        **options,
    )
    running = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def known(place: Place) -> Any:
    """Return the data plane as the control plane sees it, when it is connected."""
    return place.made.data_planes.get(ID) if ID in place.made.data_planes.connected() else None


async def test_a_data_plane_introduces_itself(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        async with client(place.port("cluster"), place.tls(), Taker()) as made:
            await until(lambda: known(place))
            found = known(place)
            assert (found.hostname, found.labels) == ("höst/1", {"region": "eu"})
            assert found.version == "3.10.0"
            assert made.connected_since is not None
        await until(lambda: not known(place))


async def test_a_release_is_taken_and_its_hash_reported_at_once(tmp_path: Path) -> None:
    taker = Taker()
    async with (
        running(tmp_path) as place,
        client(place.port("cluster"), place.tls(), taker),
    ):
        await until(lambda: known(place))
        reply = await place.publish(DOCUMENT)
        assert reply.status == 201
        assert [one["status"] for one in reply.body["data_planes"]] == ["confirmed"]
        assert reply.body["hash"] == taker.hash


async def test_a_refusal_reaches_the_publisher(tmp_path: Path) -> None:
    taker = Taker("vault reference {vault://env/X} does not resolve")
    async with (
        running(tmp_path) as place,
        client(place.port("cluster"), place.tls(), taker),
    ):
        await until(lambda: known(place))
        reply = await place.publish(DOCUMENT)
        assert reply.status == 409
        assert "{vault://env/X}" in orjson.dumps(reply.body).decode()
        assert taker.hash == ZERO_HASH


async def test_a_lost_control_plane_is_found_again(tmp_path: Path) -> None:
    taker = Taker()
    async with running(tmp_path) as first:
        port = first.port("cluster")
        async with client(port, first.tls(), taker) as made:
            await until(lambda: known(first))
            await first.publish(DOCUMENT)
            await first.made.stop()
            await until(lambda: made.connected_since is None)
            async with running(tmp_path, cluster_listen=f"127.0.0.1:{port}") as second:
                await until(lambda: known(second))
                await until(lambda: known(second).config_hash == taker.hash)


async def test_a_control_plane_of_another_authority_or_name_is_not_believed(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        stranger.load_verify_locations(cadata=Authority().pem)
        port = place.port("cluster")
        for tls, name in ((stranger, NAME), (place.tls(), "someone.else")):
            await not_believed(port, tls, name)


async def not_believed(port: int, tls: ssl.SSLContext, name: str) -> None:
    async with client(port, tls, Taker(), name) as made:
        await until(lambda: made.failure)
        assert "not trusted" in made.failure
        assert made.connected_since is None


Script = Callable[["Side"], Awaitable[None]]


class Side:
    """A control plane that does what a test says, frame by frame."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._protocol = WSConnection(ConnectionType.SERVER)
        self._events: list[Event] = []

    async def event(self) -> Event:
        while not self._events:
            data = await self._reader.read(65536)
            if not data:
                raise ConnectionError
            self._protocol.receive_data(data)
            self._events += list(self._protocol.events())
        return self._events.pop(0)

    def send(self, event: Event) -> None:
        self._writer.write(self._protocol.send(event))


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[tuple[int, ssl.SSLContext]]:
    """Serve a script to each client; gives port and the client's TLS."""
    authority, server_pair, client_pair = certificates()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_chain(tls, *server_pair)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        side = Side(reader, writer)
        try:
            assert isinstance(await side.event(), Request)
            side.send(AcceptConnection())
            await script(side)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusted.load_verify_locations(cadata=authority.pem)
    load_chain(trusted, *client_pair)
    try:
        yield server.sockets[0].getsockname()[1], trusted
    finally:
        server.close()


async def test_the_first_frames_are_basic_info_and_a_ping_with_the_hash() -> None:
    seen: list[Event] = []

    async def script(side: Side) -> None:
        seen.extend([await side.event(), await side.event()])
        side.send(Pong())
        await side.event()

    async with scripted(script) as (port, tls), client(port, tls, Taker()):
        await until(lambda: len(seen) == 2)
    info, ping = seen
    assert isinstance(info, BytesMessage)
    message = orjson.loads(info.data)
    assert message["type"] == "basic_info"
    assert message["labels"] == {"region": "eu"}
    assert message["plugins"] == sorted(message["plugins"], key=lambda one: one["name"])
    assert isinstance(ping, Ping)
    assert bytes(ping.payload) == ZERO_HASH.encode()


async def test_of_several_frames_that_wait_only_the_newest_is_taken() -> None:
    taken: list[bytes] = []
    begun, received, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def script(side: Side) -> None:
        side.send(BytesMessage(data=b"one"))
        await begun.wait()
        side.send(BytesMessage(data=b"two"))
        side.send(BytesMessage(data=b"three"))
        side.send(Ping(payload=b"all sent"))
        while not isinstance(await side.event(), Pong):
            pass
        received.set()
        await side.event()

    class Slow(Taker):
        async def take(self, frame: bytes) -> None:
            taken.append(frame)
            begun.set()
            await done.wait()

    async with scripted(script) as (port, tls), client(port, tls, Slow()):
        await asyncio.wait_for(received.wait(), PATIENCE)
        done.set()
        await until(lambda: len(taken) == 2)
    assert taken == [b"one", b"three"]


async def test_a_frame_that_cannot_be_read_keeps_the_connection() -> None:
    asked = []

    async def script(side: Side) -> None:
        side.send(BytesMessage(data=b"nonsense"))
        side.send(Ping(payload=b"x"))
        while True:
            asked.append(await side.event())

    class Strict(Taker):
        async def take(self, frame: bytes) -> None:
            raise ClusterError("cannot be read")

    async with scripted(script) as (port, tls), client(port, tls, Strict()) as made:
        await until(lambda: any(isinstance(event, Pong) for event in asked))
        assert made.connected_since is not None


async def test_a_silent_control_plane_is_left(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "_SILENCE", 0.1)
    connections = []

    async def script(side: Side) -> None:
        connections.append(side)
        while True:
            await side.event()

    async with scripted(script) as (port, tls), client(port, tls, Taker()) as made:
        await until(lambda: len(connections) >= 2)
        assert "no sign of the control plane" in made.failure or made.failure == ""


async def test_pings_go_out_by_the_clock(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "_PING", 0.02)
    pings = []

    async def script(side: Side) -> None:
        while True:
            event = await side.event()
            if isinstance(event, Ping):
                pings.append(bytes(event.payload))
                side.send(Pong())

    async with scripted(script) as (port, tls), client(port, tls, Taker()):
        await until(lambda: len(pings) >= 4)


async def test_a_frame_above_the_limit_breaks_the_connection() -> None:
    async def script(side: Side) -> None:
        side.send(BytesMessage(data=b"x" * 4096))
        await side.event()
        await side.event()
        await side.event()

    taker = Taker()
    async with scripted(script) as (port, tls), client(port, tls, taker, largest=1024) as made:
        await until(lambda: "KONG_CLUSTER_MAX_PAYLOAD" in made.failure)
        assert taker.frames == []


async def test_what_goes_wrong_with_a_release_is_told_as_its_refusal() -> None:
    told: list[Any] = []
    payload = reconfigure_payload({"_format_version": "3.0"})

    async def script(side: Side) -> None:
        side.send(BytesMessage(data=payload))
        while True:
            event = await side.event()
            if isinstance(event, BytesMessage):
                told.append(orjson.loads(event.data))

    class Broken(Taker):
        async def take(self, frame: bytes) -> None:
            raise KeyError("secret")

    async with scripted(script) as (port, tls), client(port, tls, Broken()):
        await until(lambda: len(told) == 2)
    assert told[1]["type"] == "error"
    text = "the release cannot be applied: KeyError (see the log)"
    assert told[1]["error"]["message"] == text
    # Not that of the release in force, nor of one that came meanwhile.
    assert told[1]["error"]["config_hash"] == hash_of(payload) != ZERO_HASH


async def test_a_request_to_be_tried_that_cannot_be_read_is_ignored(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tried: list[bytes] = []

    async def script(side: Side) -> None:
        side.send(BytesMessage(data=b'{"type":"kafka_gateway_try","id":5}'))
        while True:
            await side.event()

    async def try_request(frame: bytes) -> str:
        tried.append(frame)
        return ""

    async with (
        scripted(script) as (port, tls),
        client(port, tls, Taker(), try_request=try_request) as made,
    ):
        await until(lambda: "frame ignored" in caplog.text)
        assert made.connected_since is not None
    assert tried == []
