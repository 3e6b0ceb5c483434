# SPDX-License-Identifier: Apache-2.0
"""What a request head must be beyond what the parser checks (RFC 9112 sections 3 and 6).

llhttp in its strict mode refuses bare CR and LF, obs-fold, control bytes, repeated or odd
Content-Length, and Transfer-Encoding beside Content-Length. The rest is here.
"""

from __future__ import annotations

import re

from gateway.errors import ProtocolError, RequestRejected
from gateway.http.limits import Limits
from gateway.http.messages import Headers

# reg-name, IPv4 or bracketed IPv6 with an optional port. Narrower than RFC 3986 (no percent
# encoding, no sub-delims): nothing that another hop could read as two hosts, or as none.
_HOST = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5})?)?")
_ABSOLUTE = re.compile(rb"(https?)://([^/?#]*)([^#]*)", re.IGNORECASE)
_KEPT = 4096

_good_hosts: set[bytes] = set()


def bad_request() -> ProtocolError:
    """Return the refusal of malformed bytes: 400 and close."""
    return ProtocolError(400, "Bad request")


def check_host(host: bytes) -> None:
    """Raise ``ProtocolError`` unless ``host`` is a host with an optional port."""
    if host in _good_hosts:
        return
    match = _HOST.fullmatch(host)
    if match is None or len(host) > 261 or int(match[1] or 0) > 65535:
        raise bad_request()
    if len(_good_hosts) >= _KEPT:
        _good_hosts.clear()
    _good_hosts.add(host)


def origin_form(target: bytes, host: bytes | None, version: str) -> tuple[bytes, bytes | None]:
    """Return (path and query, host) of a target that does not start with a slash.

    An absolute target is taken when its authority is the Host header's (RFC 9112 3.2.2 would let
    the target win, but two hosts in one request are how caches are poisoned); ``*``, authority
    form, user information and fragments are refused.
    """
    match = _ABSOLUTE.fullmatch(target)
    if match is None:
        raise bad_request()
    authority = match[2]
    check_host(authority)
    if host is None:
        if version == "1.1":
            raise bad_request()
    elif host.lower() != authority.lower():
        raise bad_request()
    rest = match[3]
    return (rest if rest.startswith(b"/") else b"/" + rest), authority


def check_transfer_encoding(value: bytes, version: str) -> None:
    """Raise unless the body is plain ``chunked``: other codings cannot be undone here.

    HTTP/1.0 knows no Transfer-Encoding: RFC 9112 6.1 calls such framing faulty.
    """
    if value.lower() != b"chunked" or version != "1.1":
        raise bad_request()


def check_sizes(target: bytes, headers: Headers, limits: Limits) -> None:
    """Raise 414 or 431 when a head is larger than the limits allow."""
    if len(target) > limits.max_request_line:
        raise RequestRejected(414, "URI too long")
    # Each line has a colon, a space and a line end beside its name and value.
    size = sum([len(name) + len(value) + 4 for name, value in headers])
    if size > limits.max_header_size or len(headers) > limits.max_headers:
        raise RequestRejected(431, "Request header or cookie too large")
