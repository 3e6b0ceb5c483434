# SPDX-License-Identifier: Apache-2.0
"""A network of the kernel's own, which can be cut: network namespaces with a router between them.

The ends are real sockets on both sides of the router. Once it forwards nothing, packets are gone
without a word, as from a pulled cable: nothing is reset, nobody is told that a host is unreachable.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.support.ports import free_ports
from tests.support.waiting import eventually

_RELAY = """
import asyncio, sys
here, port, there, target = sys.argv[1:]

async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()

async def enter(reader, writer):
    try:
        back, to = await asyncio.open_connection(there, int(target))
    except OSError:
        writer.close()
        return
    await asyncio.gather(pump(reader, to), pump(back, writer))

async def main():
    server = await asyncio.start_server(enter, here, int(port))
    await server.serve_forever()

asyncio.run(main())
"""


class KernelNetwork:
    """What is beyond the router, and the addresses by which each side knows the other."""

    def __init__(self) -> None:
        number = os.getpid()
        net = f"10.231.{number % 256}"
        self.here = f"{net}.1"
        """This side's, for those beyond; what comes for it may be cut off."""
        self.there = f"{net}.10"
        """The other side's, for this one; what goes to it may be cut off."""
        self.beside = f"{net}.18"
        """The other side's on a way that is never cut."""
        self._router, self._beyond = f"kg{number}r", f"kg{number}b"
        self._links = [f"kg{number}{letter}" for letter in "acde"]
        self._net = net

    @property
    def within(self) -> tuple[str, ...]:
        """What to put before a command that is to run beyond the router."""
        return ("ip", "netns", "exec", self._beyond)

    def build(self) -> None:
        """Set all of it up. Raises ``OSError`` or ``CalledProcessError`` where one may not."""
        router, beyond, net = self._router, self._beyond, self._net
        a, c, d, e = self._links
        for name in (router, beyond):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("link", "add", a, "type", "veth", "peer", "name", c, "netns", router)
        _ip("-n", router, "link", "add", d, "type", "veth", "peer", "name", e, "netns", beyond)
        _ip("link", "add", f"{a}m", "type", "veth", "peer", "name", f"{c}m", "netns", beyond)
        for place, link, last in (
            ((), a, 1),
            (("-n", router), c, 2),
            (("-n", router), d, 9),
            (("-n", beyond), e, 10),
            ((), f"{a}m", 17),
            (("-n", beyond), f"{c}m", 18),
        ):
            _ip(*place, "addr", "add", f"{net}.{last}/29", "dev", link)
            _ip(*place, "link", "set", link, "up")
        _ip("route", "add", f"{net}.8/29", "via", f"{net}.2")
        _ip("-n", beyond, "route", "add", f"{net}.0/29", "via", f"{net}.9")
        self.mend()

    def remove(self) -> None:
        """Remove all of it; what is at both ends of a link goes with one of them."""
        for name in (self._router, self._beyond):
            with suppress(OSError, subprocess.CalledProcessError):
                _ip("netns", "del", name)
        for link in (self._links[0], f"{self._links[0]}m"):
            with suppress(OSError, subprocess.CalledProcessError):
                _ip("link", "del", link)

    def cut(self) -> None:
        """Drop every packet between the sides from now on."""
        self._forward(0)

    def mend(self) -> None:
        """Forward what comes from now on."""
        self._forward(1)

    def _forward(self, value: int) -> None:
        write = f"echo {value} > /proc/sys/net/ipv4/ip_forward"
        _ip("netns", "exec", self._router, "sh", "-c", write)

    @contextmanager
    def relay(self, port: int) -> Iterator[int]:
        """Let a port beyond, which it yields, lead to one of this side at ``here``."""
        with _relay(self.within, self.there, self.here, port) as own:
            yield own

    @contextmanager
    def relay_beside(self, port: int) -> Iterator[int]:
        """Let a port of loopback here, which it yields, lead to one beyond at ``beside``."""
        with _relay((), "127.0.0.1", self.beside, port) as own:
            yield own


@contextmanager
def _relay(within: tuple[str, ...], here: str, there: str, port: int) -> Iterator[int]:
    (own,) = free_ports(1)
    words = [here, str(own), there, str(port)]
    process = subprocess.Popen([*within, sys.executable, "-c", _RELAY, *words])
    try:
        eventually(lambda: _listens(within, own))
        yield own
    finally:
        process.kill()
        process.wait()


@contextmanager
def kernel_network() -> Iterator[KernelNetwork]:
    """Build the network for a while."""
    made = KernelNetwork()
    try:
        made.build()
        yield made
    finally:
        made.remove()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _listens(within: tuple[str, ...], port: int) -> bool:
    command = [*within, "cat", "/proc/net/tcp"]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return f":{port:04X} 00000000:0000 0A" in found
