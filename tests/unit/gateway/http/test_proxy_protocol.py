# SPDX-License-Identifier: Apache-2.0
"""PROXY protocol headers, versions 1 and 2: strictly read, on sockets and in pieces."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ProxyHeaderRefused
from gateway.http.forwarded import TrustedProxies
from gateway.http.limits import Limits
from gateway.http.messages import Request, Response
from gateway.http.proxy_protocol import (
    LINE_SIZE,
    MOST,
    SIGNATURE,
    Address,
    ProxyHeader,
    parse,
    read_header,
)
from gateway.http.server import Listener, Server
from gateway.http.tls import Certificates
from tests.support.authority import Authority, client_context
from tests.support.http import App, Running, get, serving, text

LOOPBACK = [ip_network("127.0.0.0/8")]
BALANCER = TrustedProxies(LOOPBACK, "proxy_protocol")
ADDRESSES = st.ip_addresses()
PORTS = st.integers(0, 65535)


def line(client: str, port: int = 56324) -> bytes:
    """Return a header of version 1."""
    kind = "TCP6" if ":" in client else "TCP4"
    here = "2001:db8::2" if ":" in client else "192.0.2.2"
    return f"PROXY {kind} {client} {here} {port} 443\r\n".encode()


def binary(
    client: str, port: int = 56324, extensions: bytes = b"", command: int = 0x21, kind: int = 0
) -> bytes:
    """Return a header of version 2."""
    address = ip_address(client)
    block = address.packed * 2 + port.to_bytes(2, "big") + (443).to_bytes(2, "big") + extensions
    kind = kind or (0x11 if address.version == 4 else 0x21)
    return SIGNATURE + bytes([command, kind]) + len(block).to_bytes(2, "big") + block


def whole(client: str, port: int) -> Address:
    address = ip_address(client)
    return str(getattr(address, "ipv4_mapped", None) or address), port


@given(client=ADDRESSES.map(str), port=PORTS, rest=st.binary(max_size=20))
def test_what_a_balancer_writes_is_read_and_nothing_behind_it(
    client: str, port: int, rest: bytes
) -> None:
    for header in (line(client, port), binary(client, port), binary(client, port, b"\x04\0\1a")):
        assert parse(header + rest) == ProxyHeader(len(header), whole(client, port))


@given(client=ADDRESSES.map(str), data=st.data())
def test_a_header_in_pieces_is_not_whole_until_its_last_byte(
    client: str, data: st.DataObject
) -> None:
    for header in (line(client), binary(client)):
        cut = data.draw(st.integers(0, len(header) - 1))
        assert parse(header[:cut]) is None


@given(st.binary(max_size=300))
def test_whatever_comes_is_a_header_the_beginning_of_one_or_refused(data: bytes) -> None:
    try:
        found = parse(data)
    except ProxyHeaderRefused:
        return
    if found is None:
        assert data.startswith((b"PROXY "[: len(data)], SIGNATURE[: len(data)]))
    else:
        assert found.size <= len(data)


@pytest.mark.parametrize(
    ("header", "client"),
    [
        (b"PROXY UNKNOWN\r\n", None),
        (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", None),
        (SIGNATURE + b"\x20\x00\x00\x00", None),
        (binary("192.0.2.1", command=0x20), None),
        (SIGNATURE + b"\x21\x00\x00\x00", None),
        (SIGNATURE + b"\x21\x31\x00\xd8" + bytes(216), None),
        (line("::ffff:192.0.2.1"), ("192.0.2.1", 56324)),
        # What a network load balancer of AWS adds: the endpoint's id, and a checksum.
        (binary("192.0.2.1", 1, b"\xea\0\x03\x01vp\x03\0\x04abcd"), ("192.0.2.1", 1)),
    ],
)
def test_headers_that_name_no_client_are_headers_too(header: bytes, client: Address | None) -> None:
    assert parse(header + b"GET") == ProxyHeader(len(header), client)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
        b"PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
        b"PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
        b"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1\r\n",
        b"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY UNKNOWN\x00\r\n",
        b"PROXY UNKNOWN" + b" " * LINE_SIZE,
        SIGNATURE + b"\x11\x11\x00\x00",
        SIGNATURE + b"\x22\x11\x00\x00",
        SIGNATURE + b"\x21\x11\x00\x04" + bytes(4),
        SIGNATURE + b"\x21\x12\x00\x0c" + bytes(12),
        SIGNATURE + b"\x21\x41\x00\x0c" + bytes(12),
        SIGNATURE + b"\x21\x11" + MOST.to_bytes(2, "big"),
        binary("192.0.2.1", 1, b"\x01"),
        binary("192.0.2.1", 1, b"\x01\x00\x09a"),
    ],
)
def test_whatever_else_is_refused(data: bytes) -> None:
    with pytest.raises(ProxyHeaderRefused, match=r"\w"):
        parse(data)


async def test_a_header_that_comes_byte_by_byte_is_taken_and_not_a_byte_more() -> None:
    far, near = socket.socketpair()
    near.setblocking(False)
    with far, near:
        reading = asyncio.create_task(read_header(near))
        for byte in binary("2001:db8::7", 99) + b"GET":
            far.send(bytes([byte]))
            await asyncio.sleep(0)
        assert await reading == ("2001:db8::7", 99)
        assert near.recv(100) == b"GET"


async def test_a_connection_that_ends_before_its_header_is_refused() -> None:
    for sent in (b"", b"PROXY TCP4"):
        far, near = socket.socketpair()
        near.setblocking(False)
        with far, near:
            far.send(sent)
            far.close()
            with pytest.raises(ProxyHeaderRefused) as refused:
                await read_header(near)
            assert bool(str(refused.value)) == bool(sent)


# --- on a listener --------------------------------------------------------------------------------


def told(request: Request) -> Response:
    """Answer with who the client is, over what, and whether its headers count."""
    scheme = request.forwarded_proto
    return text(200, f"{request.client_ip} {scheme} {request.trusted}".encode())


async def asked(running: Running, header: bytes, *lines: bytes) -> bytes:
    wire = await running.connect()
    return (await wire.ask(header + get(b"/", *lines))).body


@pytest.mark.parametrize("header", [line("203.0.113.9"), binary("203.0.113.9")])
async def test_the_client_is_whom_a_trusted_balancer_names(header: bytes) -> None:
    async with serving(App(told), named=True, trusted=BALANCER) as running:
        assert await asked(running, header) == b"203.0.113.9 http False"
        spoofed = (b"X-Real-IP: 198.51.100.1", b"X-Forwarded-Proto: https")
        assert await asked(running, header, *spoofed) == b"203.0.113.9 http False"


async def test_a_proxy_in_front_of_the_balancer_is_believed_when_it_is_trusted_too() -> None:
    async with serving(App(told), named=True, trusted=BALANCER) as running:
        found = await asked(running, line("127.0.0.9"), b"X-Forwarded-Proto: https")
        assert found == b"127.0.0.9 https True"


@pytest.mark.parametrize(
    "trusted",
    [TrustedProxies([], "proxy_protocol"), TrustedProxies(LOOPBACK, "X-Real-IP")],
    ids=["a stranger", "by a header"],
)
async def test_who_is_not_believed_names_nobody(trusted: TrustedProxies) -> None:
    async with serving(App(told), named=True, trusted=trusted) as running:
        assert (await asked(running, line("203.0.113.9"))).startswith(b"127.0.0.1 ")


async def test_a_health_check_has_no_client() -> None:
    async with serving(App(told), named=True, trusted=BALANCER) as running:
        found = await asked(running, SIGNATURE + b"\x20\x00\x00\x00")
        assert found.startswith(b"127.0.0.1 ")


async def test_the_header_comes_before_the_handshake() -> None:
    authority = Authority()
    pair = authority.issue("one.test", server=True)
    context = Certificates((pair.certificate, pair.key)).context
    async with serving(App(told), tls=context, named=True, trusted=BALANCER) as running:
        plug = socket.create_connection(("127.0.0.1", running.port))
        plug.sendall(binary("203.0.113.9"))
        loop = asyncio.get_running_loop()

        def talk() -> bytes:
            tls = client_context(authority.pem, None)
            with tls.wrap_socket(plug, server_hostname="one.test") as secure:
                secure.sendall(get(b"/", b"Connection: close"))
                return b"".join(iter(lambda: secure.recv(4096), b""))

        assert (await loop.run_in_executor(None, talk)).endswith(b"203.0.113.9 https False")


async def test_a_connection_without_header_is_closed_without_a_word() -> None:
    async with serving(App(told), named=True, trusted=BALANCER) as running:
        for data in (get(), b"PROXY TCP4 nobody\r\n" + get(), b"\x16\x03\x01\x00\x05hello"):
            wire = await running.connect()
            await wire.send(data)
            assert await wire.rest() == b""


async def test_a_header_that_does_not_come_has_little_time() -> None:
    limits = Limits(header_timeout=0.2)
    async with serving(App(told), limits, named=True, trusted=BALANCER) as running:
        for begun in (b"", b"PROXY TCP4 ", SIGNATURE):
            wire = await running.connect()
            await wire.send(begun)
            assert await wire.rest() == b""


async def test_connections_that_say_nothing_cost_one_another_their_place() -> None:
    limits = Limits(max_connections=8)
    async with serving(App(told), limits, named=True, trusted=BALANCER) as running:
        silent = [await running.connect() for _ in range(24)]
        for wire in silent[:16]:
            assert await wire.rest() == b""
        assert await asked(running, line("203.0.113.9")) == b"203.0.113.9 http False"


async def test_a_listener_without_the_word_takes_no_header() -> None:
    async with serving(App(told), trusted=BALANCER) as running:
        wire = await running.connect()
        await wire.send(line("203.0.113.9") + get())
        assert (await wire.response()).status == 400


async def test_a_drain_ends_connections_that_wait_for_their_header() -> None:
    bound = socket.create_server(("127.0.0.1", 0))
    server = Server(App(told), trusted=BALANCER)
    await server.start([Listener(bound, named=True)])
    reader, writer = await asyncio.open_connection(*bound.getsockname())
    await server.drain(0.1)
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
