# SPDX-License-Identifier: Apache-2.0
"""What a request head must be beyond what the parser checks (RFC 9112 sections 3 and 6).

llhttp in its strict mode refuses bare CR and LF, obs-fold, control bytes, repeated or odd
Content-Length, and Transfer-Encoding beside Content-Length. The rest is here: pure functions of
one head.
"""

from __future__ import annotations

import re

from gateway.errors import ProtocolError, RequestRejected
from gateway.http.headers import IDENTITY, Headers, without_identity
from gateway.http.limits import Limits
from gateway.http.messages import Request

# reg-name, IPv4 or bracketed IPv6 with an optional port. Narrower than RFC 3986 (no percent
# encoding, no sub-delims): nothing that another hop could read as two hosts, or as none.
_HOST = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5})?)?")
_ABSOLUTE = re.compile(rb"(https?)://([^/?#]*)([^#]*)", re.IGNORECASE)
_SPECIAL = IDENTITY.union(
    b"host content-length authorization transfer-encoding expect connection proxy-connection "
    b"upgrade".split()
)
_SINGLE = (b"host", b"authorization")
# Numbers: ``b"x" in data`` makes and drops an exception first, ``120 in data`` is ten times faster.
_SLASH, _HASH = 47, 35
_REFUSED_METHODS = frozenset((b"TRACE", b"CONNECT"))
_KEPT = 4096

_good_hosts: set[bytes] = set()


def bad_request() -> ProtocolError:
    """Return the refusal of malformed bytes: 400 and close."""
    return ProtocolError(400, "Bad request")


def check_head(request: Request, trusted: bool) -> int:
    """Check a head that was parsed; return the length of its body, -1 for a chunked one.

    Removes what only a ``trusted`` peer may say, and sets what the head says of the connection:
    ``host``, ``keep_alive``, ``expects``, ``upgrade``.
    Raises ``RequestRejected`` for what is not served, ``ProtocolError`` for what is ambiguous.
    """
    host = None
    length = 0
    authorized = False
    special = request.version != "1.1"
    for name, value in request.headers:
        if name in _SPECIAL:
            if name == b"host" and host is None:
                host = value
            elif name == b"content-length":
                length = int(value)
            elif name == b"authorization" and not authorized:
                authorized = True
            else:
                special = True
    request.host = host
    if special:
        length = _check_special(request, length, trusted)
    if request.method in _REFUSED_METHODS:
        raise ProtocolError(405, "Method not allowed")
    target = request.target
    if host is None or target[0] != _SLASH or _HASH in target:
        _check_target(request)
    else:
        check_host(host)
    return length


def _check_special(request: Request, length: int, trusted: bool) -> int:
    """Look at what few requests have; return the length of the body."""
    if not trusted:
        # Only the gateway names the consumer, also on routes where no plugin asks for it.
        request.headers = without_identity(request.headers)
    version = request.version
    _check_single(request)
    upgrades: list[bytes] = []
    options: list[bytes] = []
    for name, value in request.headers:
        if name == b"transfer-encoding":
            check_transfer_encoding(value, version)
            length = -1
        elif name == b"expect" and version == "1.1":
            if value.lower() != b"100-continue":
                raise RequestRejected(417, "Expectation failed")
            request.expects = True
        elif name in (b"connection", b"proxy-connection"):
            options += [option.strip() for option in value.lower().split(b",")]
        elif name == b"upgrade":
            upgrades.append(value)
    # RFC 9112 section 9.3: close is looked at first.
    request.keep_alive = b"close" not in options and (version == "1.1" or b"keep-alive" in options)
    if upgrades and version == "1.1" and b"upgrade" in options:
        # If it is not followed, the client may have taken the connection for a tunnel
        # nevertheless: nothing behind it is a request. HTTP/1.0 has no Upgrade (RFC 9110 7.8).
        request.keep_alive = False
        if request.method == b"GET" and not length and len(upgrades) == 1:
            # A WebSocket handshake (RFC 6455 section 4.1) is the only one passed on.
            request.upgrade = upgrades[0] if upgrades[0].lower() == b"websocket" else None
    return length


def _check_single(request: Request) -> None:
    """Refuse what may not be there twice.

    Of two proofs a plugin might look at the one, and the upstream at the other. nginx refuses them
    too (ngx_http_request.c, ngx_http_process_unique_header_line).
    """
    if any(len(request.header_values(name)) > 1 for name in _SINGLE):
        raise bad_request()


def _check_target(request: Request) -> None:
    """Check a head without Host, or a target that is not a path."""
    if request.target[0] == _SLASH and _HASH not in request.target:
        if request.host is None and request.version == "1.1":
            raise bad_request()
        return
    target, request.host = origin_form(request.target, request.host)
    request.target = target
    request.path, mark, query = target.partition(b"?")
    request.query = query if mark else None


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


def origin_form(target: bytes, host: bytes | None) -> tuple[bytes, bytes]:
    """Return (path and query, host) of a target that does not start with a slash.

    An absolute target is taken when its authority is the Host header's (RFC 9112 3.2.2 would let
    the target win, but two hosts in one request are how caches are poisoned, and one instead of
    the other is how routes by host are passed by); ``*``, authority form, user information and
    fragments are refused.
    """
    match = _ABSOLUTE.fullmatch(target)
    if match is None:
        raise bad_request()
    authority = match[2]
    check_host(authority)
    if host is None or host.lower() != authority.lower():
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
