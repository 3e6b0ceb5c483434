# SPDX-License-Identifier: Apache-2.0
"""One probe of a peer: a connection, and over HTTP a request, within a time."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from typing import Any

from gateway.entities.hosts import split_port
from gateway.names.addresses import is_address
from gateway.proxy.balancing.health import PeerEvent
from gateway.proxy.balancing.peer import TargetAddress

_STATUS = re.compile(rb"HTTP/\d\.\d +(\d{3})(?!\d)")
_LONGEST_LINE = 8192
_WITHOUT_TIMEOUT = 60.0
"""Seconds where ``timeout`` is 0, as for sockets of Kong's that have none."""


class TargetProbe:
    """How the peers of an upstream are probed: ``row`` is the upstream's.

    ``tls`` is the context of probes by https. What is sent and how statuses count is Kong's
    (lua-resty-healthcheck, ``lib/resty/healthcheck.lua``, run_single_check); unlike there a probe
    by https keeps to the name in ``https_sni``, and the time is for all of it.
    """

    def __init__(self, row: Mapping[str, Any], tls: ssl.SSLContext | None = None) -> None:
        active = row["healthchecks"]["active"]
        self._kind: str = active.get("type") or "http"
        self._tls = tls if self._kind == "https" else None
        self._timeout = float(active.get("timeout") or _WITHOUT_TIMEOUT)
        self._path: str = active.get("http_path") or "/"
        self._sni: str | None = active.get("https_sni")
        self._host_header: str | None = row.get("host_header")
        self._headers = _lines(active.get("headers") or {})
        self._good = frozenset((active.get("healthy") or {}).get("http_statuses") or ())
        self._bad = frozenset((active.get("unhealthy") or {}).get("http_statuses") or ())

    async def run(self, address: TargetAddress) -> PeerEvent | None:
        """Return what the probe tells; None for a status that counts neither way."""
        try:
            async with asyncio.timeout(self._timeout):
                status = await self._ask(address)
        except TimeoutError:
            return PeerEvent.TIMEOUT
        except (OSError, EOFError):  # also what TLS finds wrong
            return PeerEvent.TCP_FAILURE
        if self._kind == "tcp" or status in self._good:
            return PeerEvent.SUCCESS
        # What is no status at all counts as a bad one.
        return PeerEvent.HTTP_FAILURE if status == 0 or status in self._bad else None

    async def _ask(self, address: TargetAddress) -> int:
        name = self._sni or split_port(self._host_header or address.host)[0]
        reader, writer = await asyncio.open_connection(
            address.ip,
            address.port,
            ssl=self._tls,
            server_hostname=name if self._tls else None,
            limit=_LONGEST_LINE,
        )
        try:
            if self._kind == "tcp":
                return 0
            writer.write(self._head(address))
            try:
                line = await reader.readuntil(b"\n")
            except asyncio.LimitOverrunError:
                return 0
            found = _STATUS.match(line)
            return int(found[1]) if found else 0
        finally:
            writer.transport.abort()

    def _head(self, address: TargetAddress) -> bytes:
        host = self._host_header or address.host
        written = f"[{host}]" if is_address(host) and ":" in host else host
        own = self._headers
        lines = [f"GET {self._path} HTTP/1.0\r\n", *own.values()]
        if "host" not in own:
            lines.append(f"Host: {written}\r\n")
        if "connection" not in own:
            lines.append("Connection: close\r\n")
        return "".join([*lines, "\r\n"]).encode()


def _lines(headers: Mapping[str, Any]) -> dict[str, str]:
    """Return the lines of each header under its lower-case name."""
    return {
        name.lower(): "".join(f"{name}: {value}\r\n" for value in values)
        for name, values in headers.items()
    }
