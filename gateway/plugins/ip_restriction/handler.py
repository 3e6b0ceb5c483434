# SPDX-License-Identifier: Apache-2.0
"""The access phase of ``ip-restriction``: is the client's address allowed?

The address is that of the socket's other end, or what a trusted proxy says (``trusted_ips``): no
header of an untrusted client can change it.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from gateway.http.generated_responses import error_response
from gateway.http.log_ids import named
from gateway.http.messages import Request, Response
from gateway.logs import get_logger
from gateway.plugins.base import Handler, PluginContext

_NO_ADDRESS = "Cannot identify the client IP address, unix domain sockets are not supported."
_KEPT = 8192
"""Verdicts at hand; more are worked out again."""

_log = get_logger("gateway.ip_restriction")


class IpRestriction(Handler):
    """``deny`` wins over ``allow``. An IPv4 address in an IPv6 one (``::ffff:…``) is IPv4."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._allow = _Networks(config.allow or ())
        self._deny = _Networks(config.deny or ())
        self._only_allowed = bool(config.allow)
        self._status = 403 if config.status is None else config.status
        self._verdicts: dict[str, bool] = {}

    def access(self, request: Request) -> Response | None:
        """Let the client pass or refuse it."""
        address = request.client_ip
        allowed = self._verdicts.get(address)
        if allowed is None:
            allowed = self._judge(address)
        return None if allowed else self._refuse(request, address)

    def _judge(self, text: str) -> bool:
        try:
            # A zone says through which of our interfaces the client came, not who it is.
            address: Any = ip_address(text.partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        allowed = address not in self._deny and (not self._only_allowed or address in self._allow)
        if len(self._verdicts) >= _KEPT:
            self._verdicts = {}
        self._verdicts[text] = allowed
        return allowed

    def _refuse(self, request: Request, address: str) -> Response:
        if not address:
            return error_response(403, _NO_ADDRESS, request)
        message = self.config.message or f"IP address not allowed: {address}"
        _log.info("address not allowed", client=address, **named(request))
        return error_response(self._status, message, request)


class _Networks:
    def __init__(self, texts: Iterable[str]) -> None:
        found = [_plain(ip_network(text, strict=False)) for text in texts]
        self._by_version = {
            version: [network for network in found if network.version == version]
            for version in (4, 6)
        }

    def __contains__(self, address: Any) -> bool:
        return any(address in network for network in self._by_version[address.version])


def _plain(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """Return a network of IPv4 addresses as such, however it is written."""
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < 96:
        return network
    return IPv4Network(f"{mapped}/{network.prefixlen - 96}")
