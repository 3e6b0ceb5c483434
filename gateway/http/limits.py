# SPDX-License-Identifier: Apache-2.0
"""What a client may ask of one worker, and for how long."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds. 0 means no limit where it says so."""

    max_request_line: int = 8192
    """Longest request target; over it 414."""
    max_header_size: int = 32768
    """All header lines together; over it 431."""
    max_headers: int = 256
    """Number of header lines; over it 431."""
    max_body_size: int = 0
    """Largest body of any request, streamed or not; over it 413; 0: no limit."""
    max_connections: int = 16384
    """Open connections of one worker; over it 503 and closed."""
    displace: bool = False
    """With too many connections, end the one that has waited longest for its client, not the new
    one: a client that asks at once is served, however many are silent."""
    max_pipelined: int = 32
    """Requests of one connection that wait for their turn before reading stops."""
    turn: int = 64
    """Messages or pieces of bodies of one connection read before others have their turn."""
    stream_buffer: int = 262144
    """Bytes of a streamed body that wait for their reader, or of whole bodies that wait for their
    turn, before the sender is stopped."""
    header_timeout: float = 60.0
    """From the first byte of a request to the end of its head; over it 408."""
    body_timeout: float = 60.0
    """Between two pieces of a request body; over it 408."""
    body_rate: int = 1000
    """Bytes of a request body that must come per second at least; below it 408; 0: no limit."""
    body_rate_period: float = 30.0
    """The time over which that is measured, again and again while the body comes."""
    write_timeout: float = 60.0
    """For a client that does not read its response, or reads it at less than ``body_rate``; over
    it the connection is cut."""
    idle_timeout: float = 75.0
    """A connection without a request; over it closed."""
    linger: float = 2.0
    """How long input is dropped after a refusal, so that the client can read the response."""


def limits_of(settings: Settings) -> Limits:
    """Return the HTTP limits of the settings."""
    return Limits(
        max_request_line=settings.max_request_line,
        max_header_size=settings.max_header_size,
        max_body_size=settings.nginx_http_client_max_body_size,
        max_connections=settings.max_connections,
        header_timeout=settings.client_header_timeout,
        body_timeout=settings.client_body_timeout,
        body_rate=settings.client_body_min_rate,
        idle_timeout=settings.idle_timeout,
    )


_OWN_CONNECTIONS = 256
"""Open connections of one of the gateway's own APIs."""


def own_limits(settings: Settings, max_body_size: int) -> Limits:
    """Return the limits of the gateway's own APIs: few connections, and bodies of known size."""
    return replace(
        limits_of(settings),
        max_body_size=max_body_size,
        max_connections=min(settings.max_connections, _OWN_CONNECTIONS),
        displace=True,
    )
