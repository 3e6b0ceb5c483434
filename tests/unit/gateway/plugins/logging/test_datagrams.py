# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gc
import socket
import warnings
from pathlib import Path

import pytest

from gateway.errors import OutgoingError
from gateway.plugins.logging.counts import LogCounts
from gateway.plugins.logging.datagrams import Datagrams, local_socket, udp_socket
from tests.support.logging import until
from tests.support.ports import free_ports
from tests.support.waiting import PATIENCE


def server() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.settimeout(PATIENCE)
    return made


def sender(port: int, counts: LogCounts) -> Datagrams:
    return Datagrams("logs.test", lambda: udp_socket("127.0.0.1", port, 5), "udp-log", counts)


async def test_an_entry_that_fits_into_no_datagram_is_dropped_and_counted() -> None:
    """The largest one passes: 65,507 bytes is what UDP over IPv4 leaves."""
    counts = LogCounts()
    with server() as there:
        datagrams = sender(there.getsockname()[1], counts)
        assert await datagrams.send([b"1", b"x" * 65508, b"y" * 65507, b"2"]) == 4
        assert [there.recv(1 << 17) for _ in range(3)] == [b"1", b"y" * 65507, b"2"]
    assert counts.report()["dropped"] == {"udp-log": {"too_large": 1}}


async def test_a_place_where_nobody_listens_is_an_error_until_somebody_does() -> None:
    (port,) = free_ports(1)
    datagrams = sender(port, LogCounts())
    assert await datagrams.send([b"lost"]) == 1
    with pytest.raises(OutgoingError, match=r"logs\.test: Connection refused"):
        await datagrams.send([b"kept"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
        there.bind(("127.0.0.1", port))
        there.settimeout(PATIENCE)
        assert await datagrams.send([b"kept"]) == 1
        assert there.recv(100) == b"kept"


async def test_a_name_that_is_not_known_is_an_error() -> None:
    datagrams = Datagrams("x", lambda: udp_socket("no.invalid", 1, 5), "udp-log", LogCounts())
    with pytest.raises(OutgoingError):
        await datagrams.send([b"1"])


async def test_a_local_socket_that_is_full_takes_the_rest_later(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(path)

        async def connect() -> socket.socket:
            return local_socket(path)

        datagrams = Datagrams("syslog", connect, "syslog", LogCounts())
        entries = [b"%d" % number for number in range(5000)]
        done = await datagrams.send(entries)
        assert 0 < done < 5000
        with pytest.raises(OutgoingError):
            await datagrams.send(entries[done:])
        found = [there.recv(100) for _ in range(done)]
        taken = await datagrams.send(entries[done : done + 2])
        found += [there.recv(100) for _ in range(taken)]
    assert found == entries[: done + 2]
    assert await until(lambda: True)


async def test_a_socket_is_closed_with_what_sends_through_it_whatever_is_collected_first() -> None:
    far, opened = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with far:
        sockets = [opened]
        del opened

        async def connect() -> socket.socket:
            return sockets.pop()

        datagrams = Datagrams("syslog", connect, "syslog", LogCounts())
        assert await datagrams.send([b"1"]) == 1
        # What refers to itself is left to the garbage collector, which goes by age.
        vars(datagrams)["itself"] = datagrams
        del datagrams
        with warnings.catch_warnings(record=True) as warned:
            gc.collect()
        assert warned == []
        with pytest.raises(OSError):
            far.send(b"2")
