# SPDX-License-Identifier: Apache-2.0
"""Listen addresses as Kong writes them: ``0.0.0.0:8000 reuseport, 0.0.0.0:8443 ssl``."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ADDRESS = re.compile(
    r"^(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:\[\]]+):(?P<port>\d{1,5})(?P<flags>(?:\s+\S+)*)$"
)
_KNOWN_FLAGS = ("ssl", "http2", "reuseport", "proxy_protocol", "deferred", "bind", "backlog")
_DEFAULT_BACKLOG = 4096
PROXY_PROTOCOL = "proxy_protocol"
"""In place of a header's name: the client is whom the first bytes of a connection name."""


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """One address to listen on. ``host`` is without brackets; port 0 takes any free one."""

    host: str
    port: int
    ssl: bool = False
    backlog: int = _DEFAULT_BACKLOG
    flags: tuple[str, ...] = ()
    """The words after the address that change nothing here (``reuseport``, ``http2``, …)."""
    proxy_protocol: bool = False
    """Each connection begins with a PROXY protocol header."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        words = (" ssl" if self.ssl else "", " proxy_protocol" if self.proxy_protocol else "")
        return f"{host}:{self.port}{''.join(words)}"


def parse_listen(text: str) -> tuple[ListenAddress, ...]:
    """Parse a comma-separated list; ``off`` is none. Raises ``ValueError``."""
    addresses = parse_proxy_listen(text)
    for address in addresses:
        if address.proxy_protocol:
            raise ValueError(
                f'"{address}": proxy_protocol is for proxy_listen only; remove the word'
            )
    return addresses


def parse_proxy_listen(text: str) -> tuple[ListenAddress, ...]:
    """Parse the same where ``proxy_protocol`` is allowed: behind a load balancer."""
    if text.strip().lower() == "off":
        return ()
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise ValueError("expected addresses like 0.0.0.0:8000, 0.0.0.0:8443 ssl, or off")
    return tuple(_parse_address(part) for part in parts)


def _parse_address(text: str) -> ListenAddress:
    found = _ADDRESS.match(text)
    if found is None:
        raise ValueError(f'"{text}" is not host:port, optionally followed by ssl')
    port = int(found["port"])
    if port > 65535:
        raise ValueError(f'"{text}": port is above 65535')
    backlog = _DEFAULT_BACKLOG
    flags = found["flags"].lower().split()
    for flag in flags:
        name, _, value = flag.partition("=")
        if name not in _KNOWN_FLAGS:
            raise ValueError(f'"{text}": unknown word "{flag}"; allowed: {", ".join(_KNOWN_FLAGS)}')
        if name == "backlog":
            if not value.isdigit() or not 1 <= int(value) <= 65535:
                raise ValueError(f'"{text}": backlog must be a number from 1 to 65535')
            backlog = int(value)
    meaning = ("ssl", "proxy_protocol")
    others = tuple(f for f in flags if f not in meaning and not f.startswith("backlog"))
    ssl, proxied = (word in flags for word in meaning)
    return ListenAddress(found["host"].strip("[]"), port, ssl, backlog, others, proxied)
