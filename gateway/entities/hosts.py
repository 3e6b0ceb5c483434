# SPDX-License-Identifier: Apache-2.0
"""Hosts: what may stand in a service, a route, an upstream, a target or an SNI.

Rules and texts are those of Kong 3.10: ``kong/tools/ip.lua`` normalize_ip, which reads a host, and
``kong/db/schema/typedefs.lua``, which says what each field allows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.names import addresses

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_DIGITS = re.compile(r"[0-9.]+:?[0-9.]*")
_PORT = re.compile(r":([0-9]+)$")
_BAD_PORT = "invalid port number"
_LONGEST = 253
TARGET_PORT = 8000
"""Kong's port of a target that is written without one."""


@dataclass(frozen=True)
class ReadHost:
    """A host with its port as read from a text; with a ``problem`` nothing else counts."""

    kind: str = "name"
    """``name``, ``ipv4`` or ``ipv6``."""
    port: int | None = None
    problem: str = ""


def read_host(value: str) -> ReadHost:
    """Read ``name``, ``name:80``, ``10.0.0.1``, ``10.0.0.1:80``, ``::1`` or ``[::1]:80``.

    A colon without digits behind it makes no port: it is a letter that no name may have.
    """
    if value.count(":") > 1:
        return _read_ipv6(value)
    found = _PORT.search(value)
    host = value if found is None else value[: found.start()]
    port = None if found is None else int(found[1][:6])
    is_ipv4 = _DIGITS.fullmatch(value) is not None
    if is_ipv4 and not addresses.is_address(host):
        return ReadHost("ipv4", problem=f"invalid ipv4 address: {value}")
    kind = "ipv4" if is_ipv4 else "name"
    if not _in_range(port):
        return ReadHost(kind, problem=_BAD_PORT)
    if not is_ipv4 and not _is_name(host):
        return ReadHost(problem=f"invalid hostname: {value}")
    return ReadHost(kind, port)


def _read_ipv6(value: str) -> ReadHost:
    host, port = split_port(value)
    if port is not None and not (port.isascii() and port.isdigit()):
        return ReadHost("ipv6", problem=f"invalid ipv6 address: {value}")
    if not addresses.is_address(host):
        return ReadHost("ipv6", problem=f"invalid ipv6 address: {value}")
    number = None if port is None else int(port[:6])
    return ReadHost("ipv6", number) if _in_range(number) else ReadHost("ipv6", problem=_BAD_PORT)


def _in_range(port: int | None) -> bool:
    return port is None or 1 <= port <= 65535


def _is_name(host: str) -> bool:
    """Labels may begin with a hyphen, as punycode does, and a full name may end in a dot."""
    if _NAME.fullmatch(host) is None or len(host) > _LONGEST:
        return False
    labels = host.removesuffix(".").split(".")
    return all(label and not label.endswith("-") for label in labels)


def split_port(value: str) -> tuple[str, str | None]:
    """Split ``host:port`` and ``[v6]:port``; an address without brackets has no port."""
    if value.startswith("["):
        host, _, rest = value[1:].partition("]")
        return host, rest[1:] if rest.startswith(":") else (rest or None)
    if value.count(":") == 1:
        host, _, port = value.partition(":")
        return host, port
    return value, None


def with_target_port(value: str) -> str:
    """Return a target with its port, an IPv6 address in brackets."""
    host, port = split_port(value)
    written = f"[{host}]" if ":" in host else host
    return f"{written}:{port or TARGET_PORT}"


def is_address(value: str) -> bool:
    """Tell whether a value is an IPv4 or IPv6 address."""
    return addresses.is_address(value.strip("[]"))


def check_host(value: str) -> str:
    """Return what is wrong with a host without port (typedef ``host``), or an empty string."""
    found = read_host(value)
    if found.problem == _BAD_PORT or (not found.problem and found.port is not None):
        return "must not have a port"
    return f"invalid value: {value}" if found.problem else ""


def check_host_with_port(value: str) -> str:
    """Return what is wrong with a host that may have a port, or an empty string."""
    return read_host(value).problem


def check_route_host(value: str) -> str:
    """Return what is wrong with one of a route's hosts, or an empty string.

    One ``*`` may stand for the first or the last label, and a port may follow.
    """
    if value.count("*") > 1:
        return "invalid wildcard: must have at most one wildcard"
    bare = _PORT.sub("", value)
    if "*" in value and not (value.startswith("*.") or bare.endswith(".*")):
        return "invalid wildcard: must be placed at leftmost or rightmost label"
    return check_host_with_port(value.replace("*", "abc"))


def check_server_name(value: str) -> str:
    """Return what is wrong with a server name of TLS (typedef ``wildcard_host``), or an empty
    string.
    """
    at = value.find("*")
    if at not in (-1, 0, len(value) - 1):
        return "wildcard must be leftmost or rightmost character"
    if value.count("*") > 1:
        return "only one wildcard must be specified"
    value = value.replace("*", "wildcard")
    found = read_host(value)
    if found.problem and found.problem != _BAD_PORT:
        return f"invalid value: {value}"
    if found.kind != "name":
        return "must not be an IP"
    return "must not have a port" if found.problem or found.port is not None else ""
