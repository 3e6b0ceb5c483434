# SPDX-License-Identifier: Apache-2.0
"""One request to an upstream and its response, over as many attempts as its service allows."""

from __future__ import annotations

import asyncio
import ssl
from time import monotonic

from gateway.errors import BodyRefused, RequestRejected, UpstreamError
from gateway.http.generated_responses import error_response, message_of, refusal
from gateway.http.headers import Headers
from gateway.http.log_ids import named
from gateway.http.messages import Pending, Request, Response
from gateway.http.stream import Channel
from gateway.logs import get_logger
from gateway.outgoing.connection import OutgoingConnection
from gateway.proxy.context import ProxyContext
from gateway.proxy.headers import request_head, response_headers
from gateway.proxy.tries import Tries
from gateway.proxy.tunnel import Tunnel
from gateway.proxy.upstream import ProxyUpstream

_log = get_logger("gateway.proxy")
_REPEATABLE = frozenset((b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS"))
"""Methods that may be sent again after a connection broke (RFC 9110 9.2.2)."""
_BUFFERED = 65536
"""A response that comes whole in one go, up to this, is handed on without a stream."""


class Exchange:
    """A ``connection.Reader``. Ends by resolving ``pending``, and then, for a stream, its channel.

    A failed attempt is repeated while nothing of the response has come, tries are left, and either
    nothing of the request was sent or the request may be sent twice: its method is idempotent and
    its body is all here. A read timeout is not repeated: the upstream may well be at work on it.
    """

    elsewhere = False
    """Whether the next attempt is at another place: then a timeout or a certificate that cannot be
    verified is no reason to stop."""

    __slots__ = (
        "_channel",
        "_connection",
        "_context",
        "_done",
        "_headers",
        "_key",
        "_method",
        "_noted",
        "_pieces",
        "_request",
        "_sent",
        "_size",
        "_status",
        "_task",
        "_tries",
        "_tunnel",
        "_upstream",
        "_written",
        "bodyless",
        "pending",
        "upgrade",
    )

    def __init__(self, context: ProxyContext, upstream: ProxyUpstream, request: Request) -> None:
        self.pending = Pending()
        self.pending.on_abandon = self._abandoned
        self._method = request.upstream_method or request.method
        self.bodyless = self._method == b"HEAD"
        self.upgrade = request.upgrade
        self._context = context
        self._upstream = upstream
        self._request = request
        self._key = upstream.key
        self._tries = upstream.retries + 1
        self._connection: OutgoingConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._sent = 0.0
        self._written = False
        self._status = 0
        self._headers: Headers = []
        self._pieces: list[bytes] = []
        self._size = 0
        self._channel: Channel | None = None
        self._tunnel: Tunnel | None = None
        self._done = False
        self._noted: Tries | None = None
        chain = request.chain
        if chain is not None and chain.logs:
            self._noted = Tries()
            request.tries = self._noted.rows

    def begin(self) -> None:
        """Start an attempt; without a task when an idle connection and a whole body are there."""
        self._tries -= 1
        if self._noted is not None:
            self._noted.begin(self._key.port)
        connection = self._idle()
        if connection is not None:
            self._use(connection)
        else:
            self._spawn(self._connect())

    def _idle(self) -> OutgoingConnection | None:
        """Return a kept connection."""
        return self._context.pool.take(self._key)

    def _spawn(self, work: object) -> None:
        self._task = self._context.loop.create_task(work)  # type: ignore[arg-type]  # a coroutine

    async def _connect(self) -> None:
        key = self._key
        context = self._context
        try:
            async with asyncio.timeout(self._upstream.connect_timeout):
                address = key.address or await context.resolver.resolve(key.host)
                if self._noted is not None:
                    self._noted.found(address)
                _, connection = await context.loop.create_connection(
                    lambda: OutgoingConnection(
                        key,
                        context.loop,
                        on_idle=context.pool.give,
                        on_gone=context.pool.forget,
                    ),
                    address,
                    key.port,
                    ssl=key.tls,
                    server_hostname=key.host if key.tls else None,
                )
        except UpstreamError as error:
            self._fail(error)
        except ssl.SSLCertVerificationError as error:
            if not self.elsewhere:
                # The next attempt would meet the same certificate.
                self._tries = 0
            self.on_failure(error)
        except (OSError, TimeoutError) as error:
            self.on_failure(error)
        else:
            self._task = None
            if self._done:
                connection.close()
            else:
                self._use(connection)

    def _use(self, connection: OutgoingConnection) -> None:
        """Send the request."""
        request = self._request
        upstream = self._upstream
        self._connection = connection
        self._written = True
        if self._noted is not None and "ip" not in self._noted.rows[-1]:
            self._noted.found(connection.transport.get_extra_info("peername", ("",))[0])
        self._sent = monotonic()
        match = request.match
        assert match is not None
        framing = _framing(request, self._method)
        prefix = match.prefix
        host = request.upstream_host or self._host()
        path = request.upstream_path or match.upstream_path
        head = request_head(request, path, host, prefix, framing)
        if request.stream is None:
            connection.send(self, head + request.body, upstream.read_timeout)
        else:
            connection.send(self, head, upstream.write_timeout, more=True)
            self._spawn(self._stream_body(connection, chunked=framing[:1] == b"T"))

    def _host(self) -> bytes:
        """Return the Host of this attempt, unless a plugin says another."""
        return self._upstream.host_for(self._request)

    def _is_repeatable(self) -> bool:
        """Whether the request may be sent again although some of it was."""
        return self._request.stream is None and self._method in _REPEATABLE

    def _goes_on(self) -> bool:
        """Whether there is somewhere to try again after a failure."""
        return True

    async def _stream_body(self, connection: OutgoingConnection, chunked: bool) -> None:
        """Pass the body on as it comes from the client, at the pace of the upstream."""
        stream = self._request.stream
        assert stream is not None
        timeout = self._upstream.write_timeout
        try:
            # The client's pace is the server's to watch (408): the clock stands meanwhile.
            connection.expect_within(float("inf"))
            async for piece in stream:
                data = b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece
                await connection.write(data, timeout)
                connection.expect_within(float("inf"))
            if chunked:
                await connection.write(b"0\r\n\r\n", timeout)
        except RequestRejected as error:
            self._fail(error)
        except ConnectionError:
            # ``on_failure`` has been called, or will be.
            return
        else:
            connection.sent(self._upstream.read_timeout)

    # --- connection.Reader -------------------------------------------------------------------

    def on_head(self, status: int, headers: Headers) -> None:
        """Take status and headers; the response goes out when the batch is through."""
        self._begun(status, response_headers(headers, self.upgrade))

    def on_whole(self, status: int, headers: Headers, body: bytes) -> None:
        """Respond with all of it; the headers are those for the client."""
        self._begun(status, headers)
        self._pieces.append(body)
        self.on_end()

    def _begun(self, status: int, headers: Headers) -> None:
        """Note that the upstream responds; the headers are those for the client."""
        self._status = status
        self._headers = headers
        self._request.upstream_status = status
        self._request.upstream_ms = int((monotonic() - self._sent) * 1000)
        self._request.upstream_sent = self._sent

    def on_piece(self, piece: bytes) -> None:
        """Take a piece of the body."""
        if self._channel is not None:
            self._channel.feed(piece)
        else:
            self._pieces.append(piece)
            self._size += len(piece)

    def received(self) -> None:
        """Begin to respond once the head is there; everything after it is a stream."""
        assert self._connection is not None
        self._connection.expect_within(self._upstream.read_timeout)
        if self._status and self._channel is None:
            self._open_stream()

    def on_end(self) -> None:
        """Respond with a whole body, or end the stream."""
        self._connection = None
        self._done = True
        self._stop_task()
        if self._channel is not None:
            self._channel.end()
        elif self._size > _BUFFERED:
            self._open_stream().end()
        else:
            # Or the two would keep each other until the garbage collector comes.
            self.pending.on_abandon = None
            self._resolve(b"".join(self._pieces))

    def on_switch(self, headers: Headers, transport: asyncio.Transport, rest: bytes) -> None:
        """Respond 101 with a tunnel to the upstream."""
        self.on_head(101, headers)
        self._connection = None
        self._done = True
        self._tunnel = tunnel = Tunnel(transport, rest, self._upstream.read_timeout)
        self.pending.resolve(Response(101, self._headers, tunnel, generated=False))

    def on_failure(self, error: Exception) -> None:
        """Try again, or give up."""
        self._connection = None
        if self._done:
            return
        if self._status:
            self._break_off(error)
            return
        slow = isinstance(error, TimeoutError)
        status = 504 if slow else 502
        if self._noted is not None:
            self._noted.failed(status)
        again = not self._written or (self._is_repeatable() and (self.elsewhere or not slow))
        if self._tries > 0 and again and self._goes_on():
            self._written = False
            self.begin()
            return
        self._fail(UpstreamError(status, message_of(status), f"{type(error).__name__}: {error}"))

    # --- ends --------------------------------------------------------------------------------

    def _open_stream(self) -> Channel:
        connection = self._connection
        timeout = self._upstream.read_timeout
        self._channel = channel = Channel(
            self._context.stream_buffer,
            on_full=connection.pause if connection else _nothing,
            on_drained=(lambda: connection.resume(timeout)) if connection else _nothing,
            on_close=self._abandoned,
        )
        for piece in self._pieces:
            channel.feed(piece)
        self._pieces.clear()
        self._resolve(channel)
        return channel

    def _resolve(self, body: bytes | Channel) -> None:
        self.pending.resolve(Response(self._status, self._headers, body, generated=False))

    def _break_off(self, error: Exception) -> None:
        """The response broke off after its head: a stream says so, a whole one becomes a 502."""
        self._done = True
        if self._channel is not None:
            self._stop_task()
            self._channel.fail(error)
            return
        self._fail(UpstreamError(502, message_of(502), str(error)))

    def _fail(self, error: UpstreamError | RequestRejected) -> None:
        self._done = True
        self._stop_task()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()
        request = self._request
        if isinstance(error, UpstreamError):
            _log.warning(
                "upstream failed",
                **named(request),
                host=self._key.host,
                port=self._key.port,
                status=error.status,
                error=error.detail,
            )
        if error.status == 503 or isinstance(error, BodyRefused):
            self.pending.resolve(error_response(error.status, error.message, request))
        else:
            made = refusal(error.status, request, self._context.default_type, error.message)
            self.pending.resolve(made)

    def _abandoned(self) -> None:
        """The response is not wanted any more."""
        self._done = True
        self._stop_task()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()
        if self._tunnel is not None:
            self._tunnel.abort()

    def _stop_task(self) -> None:
        """End connecting or sending, unless it is the task that calls."""
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()


def _framing(request: Request, method: bytes) -> bytes:
    """Return the header line that says how long the body is; nothing when there is none."""
    if request.stream is None:
        if request.body or method in (b"POST", b"PUT", b"PATCH"):
            return b"Content-Length: %d\r\n" % len(request.body)
        return b""
    length = request.header(b"content-length")
    if length is None:
        return b"Transfer-Encoding: chunked\r\n"
    return b"Content-Length: %b\r\n" % length


def _nothing() -> None:
    """A response that is complete needs no back-pressure."""
