# SPDX-License-Identifier: Apache-2.0
"""The client's address when trusted proxies stand in front (settings trusted_ips, real_ip_*).

Only a peer inside ``trusted_ips`` may name it; from any other the headers are ignored here and
replaced on the way to the upstream.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from gateway.http.headers import without_identity
from gateway.http.messages import Request
from gateway.http.proxy_protocol import Address
from gateway.settings.listen import PROXY_PROTOCOL


class TrustedProxies:
    """Networks whose word about the client counts, and the header it stands in."""

    def __init__(
        self,
        networks: Iterable[IPv4Network | IPv6Network] = (),
        real_ip_header: str = "X-Real-IP",
        recursive: bool = False,
        *,
        identity: bool = False,
    ) -> None:
        """``identity``: they may also name the consumer."""
        self._networks = tuple(networks)
        self._header = real_ip_header.strip().lower().encode()
        self._by_connection = real_ip_header == PROXY_PROTOCOL
        self._recursive = recursive
        self._identity = identity
        self.trusts = lru_cache(maxsize=4096)(self._trusts)
        """Whether an address may speak for others; cached."""

    def peer(self, peer: Address, named: Address | None) -> Address:
        """Return who speaks HTTP on a connection from ``peer`` that a PROXY header names.

        A load balancer that names a client adds no header of its own, so what the headers say is
        the client's word. ``named`` by anyone who is not trusted is nobody.
        """
        believed = named is not None and self._by_connection and self.trusts(peer[0])
        return named if believed and named is not None else peer

    def _trusts(self, address: str) -> bool:
        if not self._networks:
            return False
        parsed = _address(address)
        return parsed is not None and any(
            parsed.version == network.version and parsed in network for network in self._networks
        )

    def apply(self, request: Request) -> None:
        """Take client address, scheme, host and port from the headers of a trusted peer."""
        request.trusted = True
        if not self._identity:
            # A proxy in front that names the client may pass on all else as it came.
            request.headers = without_identity(request.headers)
        forwarded_for: list[bytes] = []
        for name, value in request.headers:
            if name == self._header:
                forwarded_for.append(value)
            if name == b"x-forwarded-proto":
                proto = value.split(b",")[0].strip().lower()
                request.forwarded_proto = proto.decode("latin-1") or request.forwarded_proto
            elif name == b"x-forwarded-host":
                request.forwarded_host = value.split(b",")[0].strip() or request.forwarded_host
            elif name == b"x-forwarded-port":
                port = value.split(b",")[0].strip()
                if port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536:
                    request.forwarded_port = int(port)
        if forwarded_for:
            client = self._client(b",".join(forwarded_for))
            if client is not None:
                request.client_ip = client

    def _client(self, value: bytes) -> str | None:
        """Return the last address; when recursive, the last that is not itself trusted."""
        found: str | None = None
        for item in reversed(value.split(b",")):
            address = _address(_without_port(item.strip().decode("latin-1")))
            if address is None:
                return found
            found = str(address)
            if not self._recursive or not self.trusts(found):
                return found
        return found


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    mapped = getattr(parsed, "ipv4_mapped", None)
    return parsed if mapped is None else mapped


def _without_port(text: str) -> str:
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
