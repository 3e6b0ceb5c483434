# SPDX-License-Identifier: Apache-2.0
"""A control plane on the test's own event loop, with real sockets, and clients for it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import aiohttp
import orjson

from gateway.control_plane.database.choice import FILE
from gateway.control_plane.database.sqlite import SqliteDatabase
from gateway.control_plane.server import ControlPlane
from gateway.control_plane.store import Store
from gateway.settings.settings import Settings
from tests.support.authority import Authority, Pair, client_context
from tests.support.peer import Peer
from tests.support.waiting import PATIENCE

NAME = "control-plane.test"
AS_OWNER = {"X-Kafka-Gateway-Owner": "stack-test"}
"""The header with which single writes change what ``publish`` published."""

STORAGE: dict[str, str] = {}
"""Settings of the database that control planes of the present test use; see ``Storage.chosen``."""


@dataclass(frozen=True)
class Reply:
    """A response of the Admin API."""

    status: int
    body: Any
    headers: Mapping[str, str]


@cache
def certificates() -> tuple[Authority, Pair, Pair]:
    """Return an authority, a server's and a client's certificate, the same in the whole run."""
    authority = Authority()
    return authority, authority.issue(NAME, server=True), authority.issue("data-plane")


def settings_values(prefix: Path) -> dict[str, str]:
    """Return settings for a control plane that listens on free ports."""
    authority, server, _ = certificates()
    return {
        "role": "control_plane",
        "prefix": str(prefix),
        "admin_listen": "127.0.0.1:0",
        "admin_gui_listen": "off",
        "cluster_listen": "127.0.0.1:0",
        "status_listen": "127.0.0.1:0",
        "cluster_mtls": "pki",
        "cluster_cert": server.certificate,
        "cluster_cert_key": server.key,
        "cluster_ca_cert": authority.pem,
        **STORAGE,
    }


class Place:
    """A running control plane."""

    def __init__(self, made: ControlPlane, session: aiohttp.ClientSession) -> None:
        self.made = made
        self._session = session
        self.headers: dict[str, str] = {}

    def port(self, name: str) -> int:
        found: int = self.made.sockets[f"{name}_listen"][0].getsockname()[1]
        return found

    async def ask(
        self, method: str, path: str, json: Any = None, *, api: str = "admin", **options: Any
    ) -> Reply:
        """Call the Admin API, or the status API."""
        if json is not None:
            options["data"] = orjson.dumps(json)
            options["headers"] = {"Content-Type": "application/json", **options.get("headers", {})}
        options["headers"] = {**self.headers, **options.get("headers", {})}
        url = f"http://127.0.0.1:{self.port(api)}{path}"
        async with self._session.request(method, url, **options) as reply:
            content = await reply.read()
            is_json = "json" in reply.headers.get("content-type", "")
            body = orjson.loads(content) if content and is_json else content
            return Reply(reply.status, body, reply.headers.copy())

    async def publish(
        self, document: Any, owner: str = "stack-test", wait: float = 60.0, **more: Any
    ) -> Reply:
        body = {"owner": owner, "document": document, "wait": wait, **more}
        return await self.ask("POST", "/releases", body)

    def tls(self) -> ssl.SSLContext:
        authority, _, client = certificates()
        return client_context(authority.pem, client)

    @asynccontextmanager
    async def peer(self, node: str = "", **details: Any) -> AsyncIterator[Peer]:
        """Connect a data plane; it is known to the control plane."""
        node = node or str(uuid4())
        peer = await Peer.dial(self.port("cluster"), self.tls(), NAME)
        try:
            await peer.join(node, **details)
            async with asyncio.timeout(PATIENCE):
                while node not in self.made.data_planes.connected():
                    await self.made.data_planes.news()
            yield peer
        finally:
            await peer.close()

    @asynccontextmanager
    async def serving(
        self,
        judge: Callable[[dict[str, Any]], str | None] = lambda _: None,
        node: str = "",
        **details: Any,
    ) -> AsyncIterator[Peer]:
        """Connect a data plane that confirms what ``judge`` has nothing against."""
        async with self.peer(node, **details) as peer:
            serving = asyncio.create_task(peer.serve(judge))
            try:
                yield peer
            finally:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)


@cache
def _empty_database() -> bytes:
    """Return a SQLite file in the newest form with nothing in it: bringing one up takes a while."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        store = Store(SqliteDatabase(path))
        store.open()
        store.close()
        return path.read_bytes()


def _prepare(values: Mapping[str, str]) -> None:
    """Spare a control plane the making of its file, where it would make one."""
    path = Path(values["prefix"]) / FILE
    if values.get("database") != "postgres" and path.parent.is_dir() and not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(_empty_database())


@asynccontextmanager
async def running(prefix: Path, **values: str) -> AsyncIterator[Place]:
    """Run a control plane; stop it at the end."""
    settings = {**settings_values(prefix), **values}
    _prepare(settings)
    made = ControlPlane(Settings.from_values(settings))
    async with aiohttp.ClientSession() as session:
        try:
            await made.start()
            yield Place(made, session)
        finally:
            await made.stop()


def node_settings(place: Place, folder: Path) -> dict[str, str]:
    """Return the environment of a data plane of this control plane, with files in a folder."""
    settings = cluster_settings(place.port("cluster"), folder)
    return {**settings, "KONG_NGINX_WORKER_PROCESSES": "1"}


def cluster_settings(port: int, folder: Path) -> dict[str, str]:
    """Return what connects a data plane to the control plane of a port, with files in a folder."""
    authority, _, own = certificates()
    certificate, key = own.write(folder, "cluster")
    (folder / "ca.crt").write_text(authority.pem)
    return {
        "KONG_ROLE": "data_plane",
        "KONG_CLUSTER_MTLS": "pki",
        "KONG_CLUSTER_CONTROL_PLANE": f"127.0.0.1:{port}",
        "KONG_CLUSTER_SERVER_NAME": NAME,
        "KONG_CLUSTER_CERT": str(certificate),
        "KONG_CLUSTER_CERT_KEY": str(key),
        "KONG_CLUSTER_CA_CERT": str(folder / "ca.crt"),
    }


class RawConnection:
    """A raw connection to one of the listeners."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def rest(self) -> bytes:
        """Return what comes until the other side closes."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.reader.read()
        except ConnectionError:
            return b""

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


async def connect(place: Place, api: str) -> RawConnection:
    """Connect to the Admin API or the status API."""
    return RawConnection(*await asyncio.open_connection("127.0.0.1", place.port(api)))


async def until_closed(place: Place, api: str, sent: bytes) -> bytes:
    """Send this and nothing more; return what came before the other side closed."""
    wire = await connect(place, api)
    await wire.send(sent)
    received = await wire.rest()
    await wire.close()
    return received


async def make(place: Place, path: str, **body: Any) -> dict[str, Any]:
    """Create an entity; return it."""
    reply = await place.ask("POST", path, body)
    assert reply.status == 201, reply
    made: dict[str, Any] = reply.body
    return made


async def names(place: Place, path: str) -> list[str]:
    """Return the names in a list of entities."""
    return [row["name"] for row in (await place.ask("GET", path)).body["data"]]


async def messages(place: Place) -> list[str]:
    """Return the messages of all releases, the newest first."""
    releases = await place.ask("GET", "/releases")
    return [release["message"] for release in releases.body["data"]]
