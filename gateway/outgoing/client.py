# SPDX-License-Identifier: Apache-2.0
"""A client for HTTP endpoints that a configuration names.

Not for requests of clients on their way to an upstream: those are ``gateway.proxy``'s.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode, urlsplit

from gateway.errors import OutgoingError
from gateway.json_text import read_json
from gateway.outgoing.connection import ConnectionKey
from gateway.outgoing.delivery import CONNECT, CONNECTIONS, Deliveries, prepared
from gateway.outgoing.proxies import BY_ENVIRONMENT, ForwardProxy
from gateway.outgoing.tls import tls_context

if TYPE_CHECKING:
    import aiohttp

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Fetch:
    """One request. Equal ones may share a response; ``timeout`` in seconds, for all of it.

    ``ca`` is a file, None for the system's trust store; ``authorities`` and ``certificate``
    (certificate and key) are PEM texts. Redirects are not followed: credentials would go along.
    """

    url: str
    method: str = "GET"
    headers: Pairs = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout: float = 10.0
    largest: int = 1024**2
    """Bytes of the decoded body that are read at most; more is an error."""
    verify: bool = True
    ca: str | None = None
    authorities: tuple[str, ...] = field(default=(), repr=False)
    certificate: tuple[str, str] | None = field(default=None, repr=False)
    proxy: ForwardProxy = BY_ENVIRONMENT
    http_1_0: bool = False
    encoded: bool = False
    """The URL's percent-encoding stays as it is."""

    @property
    def place(self) -> str:
        """The URL as it may stand in a log: without user, query and fragment."""
        try:
            parts = urlsplit(self.url)
        except ValueError:
            return "a URL that is none"
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}{parts.path}"


@dataclass(frozen=True)
class Fetched:
    """A response; ``headers`` by lower-case name, the last of each."""

    status: int
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    place: str = ""

    def json(self) -> Any:
        """Return what the body says, whatever its type; raises ``OutgoingError``."""
        try:
            return read_json(self.body)
        except ValueError as error:
            raise OutgoingError(f"{self.place}: the response is no JSON: {error}") from None

    def json_object(self) -> dict[str, Any]:
        """Return the object in the body of a 200; raises ``OutgoingError`` for all else."""
        if self.status != 200:
            raise OutgoingError(f"{self.place}: the response's status is {self.status}")
        found = self.json()
        if not isinstance(found, dict):
            raise OutgoingError(f"{self.place}: the response is no JSON object")
        return found


def form(pairs: Pairs) -> bytes:
    """Return a body of type ``application/x-www-form-urlencoded``."""
    return urlencode(pairs).encode()


class HttpClient:
    """Keeps connections, but no cookies; opened by the first request, on its event loop.

    One for a worker; ``async with`` for a few requests alone.
    """

    def __init__(self) -> None:
        self._sessions: dict[tuple[bool, bool], aiohttp.ClientSession] = {}
        self._shared: dict[Fetch, asyncio.Task[Fetched]] = {}
        self._deliveries = Deliveries()
        self._environment = _environment_decides()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def fetch(self, request: Fetch) -> Fetched:
        """Return the response, whatever its status; raises ``OutgoingError`` for none."""
        # Imported late: most workers never need it.
        import aiohttp

        try:
            return await self._fetch(request)
        except TimeoutError:
            raise _too_late(request) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _failed(request, error) from None

    async def deliver(self, request: Fetch) -> int:
        """Return the response's status; what ``fetch`` does for less, where more is not asked for.

        Raises ``OutgoingError`` as that does.
        """
        try:
            ready = None if self._needs_more(request) else _ready(request)
            if ready is None:
                return (await self.fetch(request)).status
            async with asyncio.timeout(request.timeout):
                return await self._deliveries.send(*ready, request.body or b"", request.largest)
        except TimeoutError:
            raise _too_late(request) from None
        except (OSError, ValueError) as error:
            raise _failed(request, error) from None

    async def shared(self, request: Fetch) -> Fetched:
        """Return the response; who asks for the same meanwhile gets the same one."""
        task = self._shared.get(request)
        if task is None:
            task = asyncio.get_running_loop().create_task(self.fetch(request))
            self._shared[request] = task
            task.add_done_callback(lambda done: self._ended(request, done))
        # One that waits and goes away does not take the others' response along.
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Give up what is under way, and close all connections."""
        tasks = list(self._shared.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            await session.close()
        self._deliveries.close()

    def _needs_more(self, request: Fetch) -> bool:
        """Tell whether a request takes another way than straight to its host."""
        if request.http_1_0:
            return True
        return self._environment if request.proxy.url is None else bool(request.proxy.url)

    def _ended(self, request: Fetch, task: asyncio.Task[Fetched]) -> None:
        self._shared.pop(request, None)
        if not task.cancelled():
            # Looked at, in case that nobody waits any more.
            task.exception()

    async def _fetch(self, request: Fetch) -> Fetched:
        import aiohttp
        from yarl import URL

        session = self._session(request.proxy.url is None, request.http_1_0)
        sent, to_proxy = _headers(request)
        async with session.request(
            request.method,
            URL(request.url, encoded=request.encoded),
            data=request.body,
            headers=sent,
            ssl=tls_context(request.verify, request.ca, request.authorities, request.certificate),
            proxy=request.proxy.url or None,
            proxy_headers=to_proxy,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(
                total=request.timeout, sock_connect=min(CONNECT, request.timeout)
            ),
        ) as response:
            body = await _body(response, request)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Fetched(response.status, headers, body, request.place)

    def _session(self, environment: bool, http_1_0: bool) -> aiohttp.ClientSession:
        import aiohttp

        session = self._sessions.get((environment, http_1_0))
        if session is None:
            session = self._sessions[environment, http_1_0] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, limit_per_host=CONNECTIONS),
                # What one plugin's endpoint sets is not sent along with another's request.
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=environment and self._environment,
                version=aiohttp.HttpVersion10 if http_1_0 else aiohttp.HttpVersion11,
            )
        return session


def _ready(request: Fetch) -> tuple[ConnectionKey, bytes] | None:
    """Return where a request goes and its head; see ``prepared``."""
    found = prepared(request.url, request.method, request.headers, request.encoded)
    if found is None:
        return None
    tls = None
    if found.scheme == "https":
        tls = tls_context(request.verify, request.ca, request.authorities, request.certificate)
    return ConnectionKey(found.host, found.port, tls), found.head


def _environment_decides() -> bool:
    """Tell whether the process's environment has proxies, or its user a file of passwords.

    Looking whether they have something for a URL takes two calls in threads, so for every one.
    """
    if any(name.lower().endswith("_proxy") for name in os.environ):
        return True
    with suppress(RuntimeError, OSError):
        return "NETRC" in os.environ or Path("~/.netrc").expanduser().exists()
    return False


def _too_late(request: Fetch) -> OutgoingError:
    return OutgoingError(f"{request.place}: no response within {request.timeout:g} s")


def _failed(request: Fetch, error: Exception) -> OutgoingError:
    return OutgoingError(f"{request.place}: {str(error) or type(error).__name__}")


def _headers(request: Fetch) -> tuple[Pairs, dict[str, str] | None]:
    """Return the headers for the endpoint, and those for the proxy alone."""
    if request.proxy.authorization is None:
        return request.headers, None
    given = (("Proxy-Authorization", request.proxy.authorization),)
    # Without TLS the proxy reads the request itself, else one of its own (CONNECT).
    if request.url.lower().startswith("https:"):
        return request.headers, dict(given)
    return request.headers + given, None


async def _body(response: aiohttp.ClientResponse, request: Fetch) -> bytes:
    """Return the whole body; pieces, because ``read(n)`` ends with the first of them."""
    whole = bytearray()
    async for piece in response.content.iter_any():
        whole += piece
        if len(whole) > request.largest:
            raise OutgoingError(
                f"{request.place}: the response is larger than {request.largest} bytes"
            )
    return bytes(whole)
