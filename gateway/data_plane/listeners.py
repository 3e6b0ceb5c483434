# SPDX-License-Identifier: Apache-2.0
"""The listening sockets of a node: reserved by the master, opened by each worker.

Every worker has its own socket on each address (SO_REUSEPORT), so the kernel spreads connections
and a worker that dies takes only its own along. The master holds the addresses bound without
listening: no other process can take them, and port 0 becomes the same free port for all workers.
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterable
from dataclasses import replace

from gateway.errors import SettingsError
from gateway.settings.listen import ListenAddress

_PATIENCE = 2.0
"""Seconds to wait for an address: workers of a master that was killed are just closing it."""


class Reservation:
    """Addresses held for the workers. Raises ``SettingsError`` naming what cannot be had."""

    def __init__(self, addresses: Iterable[ListenAddress], setting: str) -> None:
        self._sockets: list[socket.socket] = []
        self.addresses: list[ListenAddress] = []
        """As given, with the port that port 0 stands for."""
        try:
            for address in addresses:
                held = _reserve(address, setting)
                self._sockets.append(held)
                self.addresses.append(replace(address, port=held.getsockname()[1]))
        except SettingsError:
            self.close()
            raise

    def close(self) -> None:
        """Give the addresses back."""
        for held in self._sockets:
            held.close()


def open_listener(address: ListenAddress, *, shared: bool = True) -> socket.socket:
    """Return a socket that listens; ``shared`` with the other workers. Raises ``OSError``."""
    opened = _bind(address, shared=shared)
    opened.listen(address.backlog)
    opened.setblocking(False)
    return opened


def _reserve(address: ListenAddress, setting: str) -> socket.socket:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            # Not shared: this fails when any other process listens, also another gateway of ours
            # whose sockets are shared; without it two of them would quietly split the traffic.
            if address.port:
                _bind(address, shared=False).close()
            return _bind(address, shared=True)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                reason = f"{setting}: cannot listen on {address}: {error.strerror or error}"
                raise SettingsError(f"{reason}; choose another address") from None
            time.sleep(0.05)


def _bind(address: ListenAddress, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((address.host, address.port))
    except OSError:
        opened.close()
        raise
    return opened
