# SPDX-License-Identifier: Apache-2.0
"""The PROXY protocol: what a load balancer says of its client before the client's first byte.

haproxy.org, "The PROXY protocol, versions 1 and 2" (2020/03/05). A listener either expects it of
every connection or of none: "the receiver MUST NOT try to guess" (section 2).
"""

from __future__ import annotations

import asyncio
import re
import socket
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address

from gateway.errors import ProxyHeaderRefused

Address = tuple[str, int]
"""IP address and port."""

LINE_SIZE = 107
"""Most bytes of a header of version 1, with its line end (section 2.1)."""
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
"""The beginning of every header of version 2 (section 2.2)."""
MOST = 4096
"""Most bytes of a header of version 2: as many as nginx takes."""
_FIXED = 16
_LINE = re.compile(
    rb"PROXY (?:UNKNOWN(?: [ -~]*)?|(TCP4|TCP6) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) "
    rb"(0|[1-9]\d{0,4}) (0|[1-9]\d{0,4}))\r\n"
)
_ADDRESS_SIZES = {0x11: 4, 0x21: 16}
"""By family and transport: TCP over IPv4 and over IPv6."""
_TAKEN = (0x00, 0x11, 0x21, 0x31)
"""Unspecified, the two above, and a stream between processes of one machine."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """A whole header: its size in bytes, and the client unless the header names none."""

    size: int
    client: Address | None


def parse(data: bytes) -> ProxyHeader | None:
    """Return the header that ``data`` begins with, or None while it is not whole.

    Raises ProxyHeaderRefused as soon as ``data`` cannot become one.
    """
    if data.startswith(SIGNATURE[: len(data)]):
        return _binary(data)
    if data.startswith(b"PROXY "[: len(data)]):
        return _line(data)
    raise ProxyHeaderRefused("no PROXY protocol header")


def _line(data: bytes) -> ProxyHeader | None:
    """Read version 1: ``PROXY TCP4 192.0.2.1 192.0.2.2 56324 443``."""
    end = data.find(b"\n", 0, LINE_SIZE)
    if end < 0:
        if len(data) >= LINE_SIZE:
            raise ProxyHeaderRefused(f"no line end within {LINE_SIZE} bytes")
        return None
    found = _LINE.fullmatch(data, 0, end + 1)
    if found is None:
        raise ProxyHeaderRefused("a line that is none of version 1")
    if found[1] is None:
        return ProxyHeader(end + 1, None)
    kind = IPv4Address if found[1] == b"TCP4" else IPv6Address
    ports = int(found[4]), int(found[5])
    try:
        client, _ = (kind(text.decode()) for text in found.group(2, 3))
    except ValueError as error:
        raise ProxyHeaderRefused(str(error)) from None
    if max(ports) > 65535:
        raise ProxyHeaderRefused(f"port {max(ports)} is above 65535")
    return ProxyHeader(end + 1, (_text(client), ports[0]))


def _binary(data: bytes) -> ProxyHeader | None:
    """Read version 2: signature, version and command, family and transport, length, the rest."""
    if len(data) < _FIXED:
        return None
    version, command = data[12] >> 4, data[12] & 15
    if version != 2 or command > 1:
        raise ProxyHeaderRefused(f"version {version}, command {command}: none of version 2")
    size = _FIXED + int.from_bytes(data[14:16], "big")
    if size > MOST:
        raise ProxyHeaderRefused(f"{size} bytes are more than {MOST}")
    if data[13] not in _TAKEN and command:
        raise ProxyHeaderRefused(f"family and transport 0x{data[13]:02x} are no stream")
    if len(data) < size:
        return None
    if not command:
        # LOCAL: the balancer's own connection, as for a health check. "The receiver must discard
        # the protocol block including the family which is ignored."
        return ProxyHeader(size, None)
    return ProxyHeader(size, _binary_client(data[13], data[_FIXED:size]))


def _binary_client(kind: int, block: bytes) -> Address | None:
    width = _ADDRESS_SIZES.get(kind)
    if width is None:
        # From a socket of its own machine (two paths of 108 bytes), or from nobody can say where.
        return None
    ports = 2 * width
    if len(block) < ports + 4:
        raise ProxyHeaderRefused(f"{len(block)} bytes are too few for two addresses")
    _check_extensions(block[ports + 4 :])
    address = IPv4Address(block[:width]) if width == 4 else IPv6Address(block[:width])
    return _text(address), int.from_bytes(block[ports : ports + 2], "big")


def _check_extensions(rest: bytes) -> None:
    """Each has a type, a length of two bytes, and so many bytes (section 2.2.1)."""
    at = 0
    while at < len(rest):
        if at + 3 > len(rest):
            raise ProxyHeaderRefused("an extension is cut off")
        at += 3 + int.from_bytes(rest[at + 1 : at + 3], "big")
    if at > len(rest):
        raise ProxyHeaderRefused("an extension is longer than the header")


def _text(address: IPv4Address | IPv6Address) -> str:
    """Return an address as the rest of the gateway knows it: IPv4 as IPv4."""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(ip_address(address) if mapped is None else mapped)


async def read_header(connection: socket.socket) -> Address | None:
    """Take the header off a connection, and not a byte of what follows; return the client.

    Raises ProxyHeaderRefused, and OSError when the connection breaks. The caller limits the time.
    """
    taken = b""
    while True:
        seen = await _peek(connection)
        if not seen:
            raise ProxyHeaderRefused("closed before its end" if taken else "")
        header = parse(taken + seen)
        # What is no whole header belongs to it altogether, so it is taken: looking at it again
        # and again would keep the loop busy for as long as the rest is held back.
        size = len(seen) if header is None else header.size - len(taken)
        taken += connection.recv(size)
        if header is not None:
            return header.client


async def _peek(connection: socket.socket) -> bytes:
    """Return what has come, waiting for the first byte; nothing when the other side closed."""
    while True:
        try:
            return connection.recv(MOST, socket.MSG_PEEK)
        except BlockingIOError:
            pass
        loop = asyncio.get_running_loop()
        come = loop.create_future()
        loop.add_reader(connection, partial(_settle, come))
        try:
            await come
        finally:
            loop.remove_reader(connection)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
