# SPDX-License-Identifier: Apache-2.0
"""A small DNS server on loopback: answers A and SRV from a table over UDP, notes queries."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Address
from typing import NamedTuple, cast

_A, _CNAME, _SOA, _SRV = 1, 5, 6, 33
_NEGATIVE_TTL = 3600
"""Seconds for which resolvers may remember that there is no such name."""


class Record(NamedTuple):
    """What a name has: addresses or, first, another name. TTLs in seconds."""

    addresses: Sequence[str]
    ttl: int
    alias: str = ""
    alias_ttl: int = 0
    services: Sequence[tuple[int, int, int, str]] = ()
    """Priority, weight, port and target of SRV records."""


class DnsServer(asyncio.DatagramProtocol):
    """Names that are not in ``records`` do not exist; AAAA is always empty."""

    def __init__(self, records: dict[str, Record]) -> None:
        self.records = records
        self.asked: list[tuple[str, float]] = []
        """A queries: the name, and the loop's time."""
        self.silent = False
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # That of uvloop is one without being derived from it.
        self._transport = cast(asyncio.DatagramTransport, transport)

    @property
    def address(self) -> str:
        """Address and port, as ``dns_resolver`` takes them."""
        host, port = self._transport.get_extra_info("sockname")
        return f"{host}:{port}"

    def count(self, name: str) -> int:
        """Return how many A queries came for this name."""
        return sum(one == name for one, _ in self.asked)

    def stop(self) -> None:
        """Close the port: who asks is refused."""
        self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        name, end = _read_name(data, 12)
        kind = struct.unpack_from("!H", data, end)[0]
        if kind == _A:
            self.asked.append((name, asyncio.get_running_loop().time()))
        if not self.silent:
            record = self.records.get(name)
            answers = []
            if record is not None and kind in (_A, _SRV):
                answers = _answers(record) if kind == _A else _services(record)
            # A negative answer tells in its authority section for how long it holds.
            authority = [] if record is not None else [_soa()]
            flags = 0x8180 if record is not None else 0x8183
            head = struct.pack("!HHHHHH", 0, flags, 1, len(answers), len(authority), 0)[2:]
            parts = (data[:2], head, data[12 : end + 4], *answers, *authority)
            self._transport.sendto(b"".join(parts), addr)


def _read_name(data: bytes, at: int) -> tuple[str, int]:
    labels = []
    while data[at]:
        labels.append(data[at + 1 : at + 1 + data[at]].decode().lower())
        at += 1 + data[at]
    return ".".join(labels), at + 1


def _written(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def _resource(name: bytes, kind: int, ttl: int, data: bytes) -> bytes:
    return name + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def _answers(record: Record) -> list[bytes]:
    # A pointer to the name in the question.
    name = b"\xc0\x0c"
    found = []
    if record.alias:
        found.append(_resource(name, _CNAME, record.alias_ttl, _written(record.alias)))
        name = _written(record.alias)
    packed = (IPv4Address(address).packed for address in record.addresses)
    return found + [_resource(name, _A, record.ttl, address) for address in packed]


def _services(record: Record) -> list[bytes]:
    return [
        _resource(
            b"\xc0\x0c",
            _SRV,
            record.ttl,
            struct.pack("!HHH", priority, weight, port) + _written(target),
        )
        for priority, weight, port, target in record.services
    ]


def _soa() -> bytes:
    numbers = struct.pack("!IIIII", 1, 60, 60, 60, _NEGATIVE_TTL)
    return _resource(b"\0", _SOA, _NEGATIVE_TTL, _written("ns.test") * 2 + numbers)


@asynccontextmanager
async def dns_server(**records: Record) -> AsyncIterator[DnsServer]:
    """Serve the names under ``.test`` with these first labels."""
    loop = asyncio.get_running_loop()
    table = {f"{label}.test": record for label, record in records.items()}
    _, server = await loop.create_datagram_endpoint(
        lambda: DnsServer(table), local_addr=("127.0.0.1", 0)
    )
    try:
        yield server
    finally:
        server.stop()
        # The socket is closed in the next round of the loop.
        await asyncio.sleep(0)
