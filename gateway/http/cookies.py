# SPDX-License-Identifier: Apache-2.0
"""The cookies of a request (RFC 6265 section 5.4)."""

from __future__ import annotations

from gateway.http.messages import Request


def cookies_of(request: Request) -> dict[bytes, bytes]:
    """Return names and values; of a name that comes several times, the first."""
    found: dict[bytes, bytes] = {}
    for line in request.header_values(b"cookie"):
        for pair in line.split(b";"):
            name, equals, value = pair.partition(b"=")
            if equals:
                found.setdefault(name.strip(), value.strip())
    return found
