# SPDX-License-Identifier: Apache-2.0
"""The forms a setting's text may have: switches, lists, sizes, times, addresses, labels.

Plain functions from text to value that raise ``ValueError`` saying what is expected. No pydantic
here: importing it and building a model takes 300 ms, a third of the second in which a node has
to serve again after a restart.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any
from urllib.parse import urlsplit

from gateway.names.addresses import is_address, server_problem
from gateway.settings.shown_headers import shown_headers

_ON = frozenset({"on", "true", "yes", "1"})
_OFF = frozenset({"off", "false", "no", "0", ""})
_SIZE = re.compile(r"(\d+)\s*([kmg]?)b?", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9])?")
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|)")
_FACTORS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_UNITS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_RESERVED_LABELS = ("kong", "konnect", "insomnia", "mesh", "kic")

Parse = Callable[[str], Any]
Network = IPv4Network | IPv6Network


def plain(value: str) -> str | None:
    """Take the text as it is; an empty one is absent."""
    return value or None


def word(*allowed: str) -> Parse:
    """Make the parser of a word from a closed list; case does not matter."""

    def parse(value: str) -> str:
        found = value.strip().lower()
        if found not in allowed:
            raise ValueError(f"expected {', '.join(item for item in allowed if item)}")
        return found

    return parse


def switch(value: str) -> bool:
    """Parse ``on`` or ``off``, ``true`` or ``false``."""
    found = value.strip().lower()
    if found not in _ON | _OFF:
        raise ValueError("expected on or off")
    return found in _ON


def items(value: str) -> tuple[str, ...]:
    """Split at commas."""
    return tuple(item.strip() for item in value.split(",") if item.strip())


def count(low: int, high: int) -> Parse:
    """Make the parser of a whole number between two."""

    def parse(value: str) -> int:
        digits = value.strip()
        if not digits.isascii() or not digits.isdigit() or not low <= int(digits) <= high:
            raise ValueError(f"expected a number from {low} to {high}")
        return int(digits)

    return parse


def size(low: int = 0) -> Parse:
    """Make the parser of bytes: ``512k``, ``1m`` (1 048 576), at least ``low``."""

    def parse(value: str) -> int:
        found = _SIZE.fullmatch(value.strip())
        if found is None:
            raise ValueError("expected bytes, or a number with k, m or g, like 512k or 1m")
        number = int(found[1]) * _FACTORS[found[2].lower()]
        if number < low:
            raise ValueError(f"expected at least {low} bytes")
        return number

    return parse


def seconds(value: str) -> float:
    """Parse a time: ``60``, ``60s``, ``500ms``, ``2m``, ``1h``."""
    found = _TIME.fullmatch(value.strip().lower())
    if found is None:
        raise ValueError("expected seconds, or a number with ms, s, m or h, like 500ms or 60s")
    return float(found[1]) * _UNITS[found[2]]


def hosts(value: str) -> tuple[str, ...]:
    """Parse names and addresses without ports; letters become lower-case."""
    found = tuple(item.strip("[]").lower() for item in items(value))
    for item in found:
        if not _HOST.fullmatch(item) and not is_address(item):
            raise ValueError(f'"{item}" is not a host like admin.example.com, without a port')
    return found


def origins(value: str) -> tuple[str, ...]:
    """Parse URLs of pages; what counts of each is its origin (RFC 6454)."""
    found = []
    for item in items(value):
        parts = urlsplit(item)
        if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc:
            raise ValueError(f'"{item}" is not a URL like https://manager.example.com')
        found.append(f"{parts.scheme}://{parts.netloc}".lower())
    return tuple(dict.fromkeys(found))


def networks(value: str) -> tuple[Network, ...]:
    """Parse addresses and networks."""
    found = []
    for item in items(value):
        try:
            found.append(ip_network(item, strict=False))
        except ValueError:
            raise ValueError(f'"{item}" is not an address or a network like 10.0.0.0/8') from None
    return tuple(found)


def workers(value: str) -> int:
    """Parse the number of workers; 0 stands for ``auto``."""
    try:
        return 0 if value.strip() == "auto" else int(count(1, 256)(value))
    except ValueError:
        raise ValueError("expected auto or a number from 1 to 256") from None


def labels(value: str) -> dict[str, str]:
    """Parse ``key:value,…`` as Kong allows it: at most 10, some beginnings are reserved."""
    found = {}
    for item in items(value):
        key, _, content = item.partition(":")
        if not _LABEL.fullmatch(key) or not _LABEL.fullmatch(content):
            raise ValueError(f'"{item}" is not key:value, each of up to 63 letters, digits, . _ -')
        if key.lower().startswith(_RESERVED_LABELS):
            raise ValueError(f'"{key}" must not start with {", ".join(_RESERVED_LABELS)}')
        found[key] = content
    if len(found) > 10:
        raise ValueError("expected at most 10 labels")
    return found


def host_and_port(value: str) -> str:
    """Parse ``host:port``."""
    problem = server_problem(value.strip())
    if problem:
        raise ValueError(f"expected host:port; {problem}")
    return value.strip()


def nameservers(value: str) -> tuple[str, ...]:
    """Parse addresses of DNS servers, each with or without a port."""
    found = items(value)
    for item in found:
        if not is_address(item) and not _is_address_and_port(item):
            raise ValueError(f'"{item}" is not an address like 10.0.0.2, 10.0.0.2:53 or [::1]:53')
    return found


def _is_address_and_port(value: str) -> bool:
    host, _, port = value.rpartition(":")
    try:
        count(1, 65535)(port)
    except ValueError:
        return False
    # An IPv6 address with a port needs brackets, and no other may have them.
    bracketed = host.startswith("[") and host.endswith("]")
    return bracketed == (":" in host) and is_address(host[1:-1] if bracketed else host)


def optional_seconds(value: str) -> float | None:
    """Parse a time above 0, or nothing."""
    if not value.strip():
        return None
    try:
        found = seconds(value)
    except ValueError:
        found = 0.0
    if found <= 0:
        raise ValueError("expected seconds above 0, like 30 or 2m, or nothing for the record's TTL")
    return found


def header_words(value: str) -> tuple[str, ...]:
    """Parse names of headers and of groups of them, as ``shown_headers`` takes them."""
    found = items(value)
    shown_headers(found)
    return found
