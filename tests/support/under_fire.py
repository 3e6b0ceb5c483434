# SPDX-License-Identifier: Apache-2.0
"""Clients that write to a control plane and ask a data plane while what they talk to is killed.

Three things are written, each in editions that only grow: the routes of an owner by publishing
(``a``), routes by held writes (``h``) and one by single writes (``x``). A route answers with its
letter and its edition, so whatever is stored, pushed or served tells where it comes from.
"""

from __future__ import annotations

import asyncio
import http.client
import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.authority import client_context
from tests.support.control_plane import NAME, certificates, cluster_settings
from tests.support.control_plane_process import values_with_ports
from tests.support.deck import entity_id
from tests.support.fleet import LightDataPlane
from tests.support.killed import Victim, serve
from tests.support.node import NodeProcess, running_node
from tests.support.postgres import KEY
from tests.support.storage import Storage
from tests.support.waiting import PATIENCE

SIZES = {"a": 6, "h": 6, "x": 1}
"""How many routes are written together, by letter."""
PATHS = [f"/{letter}{n}" for letter, count in SIZES.items() for n in range(count)]


def plugin(letter: str, edition: int) -> dict[str, Any]:
    """Return what has a route answer with a letter and an edition."""
    return {"config": {"status_code": 200, "body": f"{letter}{edition}"}}


def editions(rows: Iterable[Mapping[str, Any]]) -> dict[str, set[int]]:
    """Return the editions of a configuration's plugins by letter: more than one is a mix."""
    found: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        text = row["config"]["body"]
        found[text[0]].add(int(text[1:]))
    return found


class FragileControlPlane:
    """A control plane that is started and killed, on the same ports and database."""

    def __init__(self, folder: Path, storage: Storage, **values: str) -> None:
        own, (self.admin, self.port, self.status) = values_with_ports(folder)
        folder.mkdir(exist_ok=True)
        keyring = folder / "keyring"
        keyring.write_text(KEY)
        kept = {"keyring_file": str(keyring), "log_level": "error", "releases_kept": "12"}
        self.url = f"http://127.0.0.1:{self.admin}"
        self.log = folder / "control-plane.log"
        self._start = partial(Victim, partial(serve, own | kept, values, self.log), storage)
        self._running: Victim | None = None

    def start(self) -> None:
        """Start it; it is not ready yet."""
        self._running = self._start()

    def kill(self, after: float = 0) -> None:
        """Kill it after so many seconds, if it runs."""
        running, self._running = self._running, None
        if running is not None:
            running.kill(after)


def light_data_plane(
    port: int, taken: Callable[[dict[str, Any]], None] = lambda _: None
) -> LightDataPlane:
    """Return a data plane of the control plane at a port."""
    authority, _, own = certificates()
    return LightDataPlane(port, client_context(authority.pem, own), NAME, taken)


@contextmanager
def following_node(port: int, folder: Path) -> Iterator[NodeProcess]:
    """Run a node of one worker that connects to the control plane at a port at once and again."""
    values = {**cluster_settings(port, folder), "KONG_NGINX_WORKER_PROCESSES": "1"}
    values |= {f"KAFKA_GATEWAY_CLUSTER_RECONNECT_{end}": "200ms" for end in ("MIN", "MAX")}
    with running_node(folder, **values) as node:
        yield node


class Writers:
    """Writes without end, each kind by a client of its own, and remembers what was acknowledged.

    ``patient`` ones ask again after a 503, as it says.
    """

    def __init__(self, url: str, *, patient: bool = False) -> None:
        self.url = url
        self.refused = 0
        """How often the answer was a 503."""
        self._patient = patient
        self._stopping = False
        self.sent = dict.fromkeys(SIZES, 0)
        self.acknowledged = dict.fromkeys(SIZES, 0)
        self.release = 0
        """The highest number of a release that was acknowledged."""

    async def begin(self) -> None:
        """Write the first edition of all."""
        async with aiohttp.ClientSession(self.url) as session:
            for write in (self._publish, self._hold, self._single):
                await write(session)

    async def write(self) -> None:
        """Write until the control plane is gone, or ``stop``.

        A wrong answer raises ``AssertionError``.
        """
        self._stopping = False
        async with aiohttp.ClientSession(self.url) as session:

            async def endlessly(write: Any) -> None:
                while not self._stopping:
                    await write(session)

            writes = (self._publish, self._hold, self._single)
            ended = await asyncio.gather(*map(endlessly, writes), return_exceptions=True)
            for one in ended:
                if isinstance(one, BaseException) and not isinstance(one, aiohttp.ClientError):
                    raise one

    def stop(self) -> None:
        """Finish what is being written, and begin nothing more."""
        self._stopping = True

    async def _publish(self, session: aiohttp.ClientSession) -> None:
        edition = self._next("a")
        routes = {
            f"a{n}": {
                "paths": [f"/a{n}"],
                "plugins": {"request-termination": plugin("a", edition)},
            }
            for n in range(SIZES["a"])
        }
        body = {"owner": "a", "document": {"routes": routes}, "wait": edition % 2}
        made = await self._ask(session, "POST", "/releases", body)
        self._noted("a", edition, made)

    async def _hold(self, session: aiohttp.ClientSession) -> None:
        edition = self._next("h")
        held = {"X-Kafka-Gateway-Hold": f"h{edition}"}
        for n in range(SIZES["h"]):
            await self._put(session, "h", n, edition, held)
        made = await self._ask(session, "POST", f"/holds/h{edition}/publish", {"wait": 0})
        self._noted("h", edition, made)

    async def _single(self, session: aiohttp.ClientSession) -> None:
        edition = self._next("x")
        await self._put(session, "x", 0, edition, {})
        self._noted("x", edition, {})

    async def _put(
        self,
        session: aiohttp.ClientSession,
        letter: str,
        n: int,
        edition: int,
        headers: Mapping[str, str],
    ) -> None:
        name = f"{letter}{n}"
        if edition == 1:
            await self._ask(session, "PUT", f"/routes/{name}", {"paths": [f"/{name}"]}, headers)
        body = {"name": "request-termination", "route": {"name": name}, **plugin(letter, edition)}
        await self._ask(session, "PUT", f"/plugins/{entity_id(name)}", body, headers)

    def _next(self, letter: str) -> int:
        self.sent[letter] += 1
        return self.sent[letter]

    def _noted(self, letter: str, edition: int, made: Mapping[str, Any]) -> None:
        self.acknowledged[letter] = edition
        self.release = max(self.release, made.get("number", 0))

    async def check(self) -> str:
        """Hold what is stored against what was acknowledged; return the newest release's hash."""
        async with aiohttp.ClientSession(self.url) as session:
            rows = (await self._ask(session, "GET", "/plugins?size=1000"))["data"]
            found = editions(rows)
            for letter, count in SIZES.items():
                (edition,) = found[letter]
                assert self.acknowledged[letter] <= edition <= self.sent[letter], (letter, found)
                assert sum(row["config"]["body"][0] == letter for row in rows) == count
            listed = (await self._ask(session, "GET", "/releases"))["data"]
            numbers = [one["number"] for one in listed]
            assert numbers[0] >= self.release
            assert numbers == list(range(numbers[0], numbers[0] - len(numbers), -1))
            for number in numbers:
                release = await self._ask(session, "GET", f"/releases/{number}")
                assert all(
                    len(kept) == 1
                    for kept in editions(release["configuration"].get("plugins", ())).values()
                ), number
            return str(listed[0]["hash"])

    async def _ask(
        self,
        session: aiohttp.ClientSession,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        while True:
            async with session.request(method, path, json=body, headers=headers) as reply:
                if reply.status == 503 and self._patient:
                    self.refused += 1
                    await asyncio.sleep(float(reply.headers["Retry-After"]))
                    continue
                assert reply.status in (200, 201), (method, path, reply.status, await reply.text())
                found: dict[str, Any] = await reply.json()
                return found


class Asked:
    """What a data plane has answered; ``problems`` are answers that must not be."""

    def __init__(self) -> None:
        self.newest: dict[str, int] = defaultdict(int)
        self.count = 0
        self.problems: list[str] = []

    def note(self, path: str, status: int, body: bytes) -> None:
        """Take an answer: one that is older than another of its letter comes from a mix."""
        self.count += 1
        text = body.decode()
        if status != 200 or text[:1] != path[1]:
            self.problems.append(f"{path}: {status} {text}")
        elif int(text[1:]) < self.newest[path[1]]:
            self.problems.append(f"{path}: {text} after {self.newest[path[1]]}")
        else:
            self.newest[path[1]] = int(text[1:])


@contextmanager
def asking(port: int) -> Iterator[Asked]:
    """Ask a data plane of one worker for all paths, one after the other, over and over."""
    found = Asked()
    stop = threading.Event()

    def loop() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        for path in itertools.cycle(PATHS):
            if stop.is_set():
                break
            connection.request("GET", path)
            response = connection.getresponse()
            found.note(path, response.status, response.read())
            stop.wait(0.002)  # leaves the processor to the others
        connection.close()

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()
