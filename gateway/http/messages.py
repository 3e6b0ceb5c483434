# SPDX-License-Identifier: Apache-2.0
"""Request, response, and the response that comes later: what the request path passes around."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Generator, Mapping, Sequence
from typing import Any, Protocol

from gateway.http import identity
from gateway.http.client_connection import BodyStream, ClientConnection, ConnectionUpgrade
from gateway.http.headers import Headers, spellings
from gateway.http.route_match import RouteMatch

_NO_NAMES: frozenset[bytes] = frozenset()


class HandlerChain(Protocol):
    """What the plugins of a route do with a request and its response.

    The server runs the filters, the application the rest.
    """

    produces: bool
    """One of its handlers makes records of each request."""
    producing: Any
    """That handler; None when there are several, or none."""
    filters_responses: bool
    """There are header or body filters."""

    @property
    def body_filters(self) -> Collection[object]:
        """Empty when bodies pass as they are."""
        ...

    @property
    def logs(self) -> Collection[object]:
        """Empty when ``log`` does nothing."""
        ...

    logs_recorded_traces: bool
    """``log`` does nothing for a request whose trace is known not to be recorded."""

    def run(self, request: Request) -> Response | Pending:
        """Run the access handlers, and what responds when none of them did."""
        ...

    def whole_body(self, request: Request, response: Response) -> int:
        """Return the most bytes of a body that the body filters want in one piece.

        0 where they take it in pieces. Called after ``filter_head``.
        """
        ...

    def filter_head(self, request: Request, response: Response) -> None:
        """Run the header filters; they change ``response`` in place."""
        ...

    def filter_body(self, request: Request, response: Response, chunk: bytes, last: bool) -> bytes:
        """Return a piece of the body as the body filters want it."""
        ...

    def log(self, request: Request, response: Response) -> None:
        """Run the log handlers."""
        ...


class Request:
    """One HTTP request.

    ``target`` is the raw request target; ``path`` and ``query`` its two parts, still encoded
    (``query`` is None without ``?``). ``body`` is complete when the route buffers it, else
    ``stream`` is set. Everything from ``match`` on is filled on the way: ``chain`` by the
    application; ``upstream_status`` and ``upstream_ms`` (wait for the response head) by the proxy.
    """

    # Making one is a visible part of a small request's cost. So what many requests set, or all ask
    # for, has a slot; what few set is a class attribute until then.
    __slots__ = {
        "__dict__": None,
        "admission": "Asked before the first record (gateway.plugins.kafka_quota); None: nobody.",
        "authenticated_groups": "Groups that the proof of identity named; None: it named none.",
        "body": None,
        "chain": None,
        "claims": "What the caller's token says, verified; None: there was none.",
        "connection": None,
        "consumer": None,
        "consumer_groups": "This request's alone, by name; None: those that its consumer is in.",
        "correlation_id": "Ties the request to others of its caller, where a plugin looks for it.",
        "credential": None,
        "ended": "When the response was written, in monotonic seconds.",
        "headers": None,
        "host": None,
        "id": "32 lower-case hex characters.",
        "keep_alive": None,
        "match": None,
        "method": None,
        "outbox": "Takes the records made of it (gateway.kafka.outbox); None: written at once.",
        "own_headers": "Names of the request headers that put_headers has set.",
        "passing": "Record headers of a trace that is not recorded; empty: trace says; None: none.",
        "path": None,
        "query": None,
        "received": None,
        "response_lines": "Header lines of the response, whichever it is, each after a CRLF.",
        "sent": "Bytes of the response, head included; for log handlers, which run when it is out.",
        "size": "Bytes received: head and body so far, without the framing of chunks.",
        "target": None,
        "trace": "The trace that the request is part of (gateway.plugins.opentelemetry), if any.",
        "unclaimed": "The list of headers as long as none of them names a consumer: never changed.",
        "upgrade": "The value of Upgrade, when it is passed on: websocket in any case.",
        "version": None,
        "waiting_since": "When the wait for a record began, likewise; where the chain logs.",
    }

    context: dict[str, Any] | None = None
    hiding: list[Callable[[Request], None]] | None = None
    """What takes out the proofs of who the client is, once no plugin looks for one any more; None:
    each plugin does so at once."""
    expects: bool = False
    """The client waits for 100 Continue before it sends the body."""
    stream: BodyStream | None = None
    forwarded_host: bytes | None = None
    """X-Forwarded-Host of a trusted peer."""
    trusted: bool = False
    """The peer is one of trusted_ips: its forwarding headers count."""
    original_target: bytes | None = None
    """Set where it is another than ``target``."""
    upstream_method: bytes | None = None
    """What the upstream is asked in place of ``method``, which says what may be responded."""
    upstream_path: bytes | None = None
    """What plugins made of the path for the upstream, escaped."""
    upstream_host: bytes | None = None
    """What plugins made of the Host for the upstream."""
    spelled: Mapping[bytes, bytes] | None = None
    """Lower-case header names to the case in which they go to the upstream."""
    plain_response = False
    """The upstream is asked for a body without Content-Encoding: a plugin reads it."""
    upstream_status: int | None = None
    upstream_ms: int = 0
    upstream_sent: float = 0.0
    """When the request went to the upstream that responded, in monotonic seconds."""
    tries: list[dict[str, Any]] | None = None
    """The attempts at the upstream, as log entries show them; noted where the chain logs."""
    log_fields: Sequence[Any] = ()
    """What plugins add to the entries that log the request."""
    client_verify: str | None = None
    """``SUCCESS`` or ``FAILED:`` and why, of the client's certificate; None: nobody looked."""
    waits: Sequence[tuple[str, float, float]] = ()
    """Plugins that waited in ``access``: since when, until when, in monotonic seconds."""
    conditions: Mapping[Any, bool] | None = None
    """What conditions of plugins have said of the request (``gateway.plugins.conditions``)."""
    named_ip: str | None = None
    """The client's address as a trusted peer names it; see ``client_ip``."""
    _forwarded_proto: str | None = None
    _forwarded_port: int | None = None

    def __init__(
        self,
        connection: ClientConnection,
        method: bytes,
        target: bytes,
        version: str,
        headers: Headers,
        received: float,
        path: bytes | None = None,
        query: bytes | None = None,
    ) -> None:
        """``path`` and ``query`` are those of ``target``, where that is cut already."""
        self.connection = connection
        self.method = method
        self.target = target
        if path is None:
            path, mark, rest = target[1:].partition(b"?")
            path, query = target[:1] + path, rest if mark else None
        self.path = path
        self.query = query
        self.version = version
        self.headers = headers
        self.received = received
        self.host: bytes | None = None
        self.body = b""
        self.keep_alive = True
        self.chain: HandlerChain | None = None
        self.match: RouteMatch | None = None
        self.size = self.sent = 0
        self.ended = 0.0
        # What ``identity.next_id`` does, without the call.
        self.id = next(identity.ids)
        self.upgrade: bytes | None = None
        # Added by access handlers, which need no header filter for what they know already. Nothing
        # in it may come from a client.
        self.response_lines = b""
        self.own_headers: frozenset[bytes] = _NO_NAMES
        self.unclaimed: Headers | None = None
        self.consumer: Any = None
        self.credential: Any = None
        self.authenticated_groups: Sequence[str] | None = None
        self.consumer_groups: Sequence[Mapping[str, Any]] | None = None
        self.claims: Mapping[str, Any] | None = None
        self.correlation_id: bytes | None = None
        self.outbox: Any = None
        self.admission: Any = None
        self.trace: Any = None
        self.passing: tuple[tuple[str, bytes], ...] | None = None
        self.waiting_since: float | None = None

    @property
    def client_ip(self) -> str:
        """The client's address: the peer's, or the one that a trusted peer names."""
        return self.named_ip or self.connection.peer[0]

    @client_ip.setter
    def client_ip(self, address: str) -> None:
        self.named_ip = address

    @property
    def forwarded_proto(self) -> str:
        """``http`` or ``https`` as the client sees it: the socket's, or a trusted peer's word."""
        return self._forwarded_proto or self.connection.scheme

    @forwarded_proto.setter
    def forwarded_proto(self, scheme: str) -> None:
        self._forwarded_proto = scheme

    @property
    def forwarded_port(self) -> int:
        """The port as the client sees it: the listener's, or a trusted peer's word."""
        return self._forwarded_port or self.connection.server_port

    @forwarded_port.setter
    def forwarded_port(self, port: int) -> None:
        self._forwarded_port = port

    def retarget(self, target: bytes) -> None:
        """Put another target in its place; signatures are over the one that came."""
        self.original_target = self.original_target or self.target
        self.target = target

    def header(self, name: bytes) -> bytes | None:
        """Return the first value of a header; ``name`` is lower-case."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    def header_values(self, name: bytes) -> list[bytes]:
        """Return all values of a header in arrival order; ``name`` is lower-case."""
        return [value for key, value in self.headers if key == name]

    def put_headers(self, headers: Headers) -> None:
        """Set headers for the upstream and for records; for plugins, names in lower case.

        They take the place of the client's of these names, in either spelling (see
        ``own_headers``), and the client's Connection header does not remove them.
        """
        names = {name for name, _ in headers}
        taken = {spelling for name in names for spelling in spellings(name)}
        self.headers = [pair for pair in self.headers if pair[0] not in taken] + headers
        self.own_headers |= names


class Response:
    """One HTTP response: status, headers, and a body that is whole or still coming.

    ``body`` is bytes, or an async iterator of chunks (sent chunked unless a content-length
    header is given), or what takes over the connection when ``status`` is 101. ``generated`` is
    False only for responses that came from an upstream. Header names go out as they are written
    here; write them in their usual case (``Content-Type``). Length, framing, Date and Connection
    are the server's business.
    """

    __slots__ = ("body", "close", "generated", "headers", "status")

    def __init__(
        self,
        status: int,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes | AsyncIterator[bytes] | ConnectionUpgrade = b"",
        *,
        generated: bool = True,
        close: bool = False,
    ) -> None:
        self.status = status
        self.headers = list(headers)
        self.body = body
        self.generated = generated
        self.close = close


class FixedResponse(Response):
    """A response that is the same every time; make it once and never change it.

    Its head is rendered once a second instead of once a request. Where a plugin's header or body
    filter runs, the server hands the filter a copy.
    """

    __slots__ = ()

    def copy(self) -> Response:
        """Return a response that may be changed."""
        return Response(self.status, self.headers, self.body, generated=self.generated)


class Pending:
    """A response that comes later, without a future or a task.

    Its producer calls ``resolve`` exactly once, on the event loop's thread; its consumer sets one
    callback with ``then``, or awaits it. ``on_abandon`` is called when the client closed the
    connection first, also when the awaiting task is cancelled for that: the response is then
    dropped, the work behind it is not undone.
    """

    __slots__ = ("_callback", "_response", "abandoned", "on_abandon")

    def __init__(self) -> None:
        self._callback: Callable[[Response], None] | None = None
        self._response: Response | None = None
        self.abandoned = False
        self.on_abandon: Callable[[], object] | None = None

    def resolve(self, response: Response) -> None:
        """Hand over the response; a second call is ignored."""
        if self._response is not None:
            return
        self._response = response
        callback = self._callback
        if callback is not None:
            callback(response)

    def then(self, callback: Callable[[Response], None]) -> None:
        """Call ``callback`` with the response, at once if it is there already."""
        if self._response is not None:
            callback(self._response)
        else:
            self._callback = callback

    def abandon(self) -> None:
        """Tell the producer that the response is not wanted any more."""
        self.abandoned = True
        if self.on_abandon is not None:
            self.on_abandon()

    def __await__(self) -> Generator[Any, None, Response]:
        future: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self.then(lambda response: None if future.done() else future.set_result(response))
        try:
            return (yield from future.__await__())
        except asyncio.CancelledError:
            self.abandon()
            raise
