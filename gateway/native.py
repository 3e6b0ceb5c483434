# SPDX-License-Identifier: Apache-2.0
"""The native twins of functions on the request path, where they are installed.

What they do is written in Python first, which is the reference and does the work without them; a
twin does the same or returns None (docs/decisions/native-twins.md). They are a package of their
own, ``native/``, so that a checkout needs no Rust.
"""

from __future__ import annotations

CanonicalHead = tuple[bytes, bytes, list[tuple[bytes, bytes]], bytes, int]
"""Method, target, headers, host, length of the body."""


def _parse_head(data: bytes, begin: int, end: int) -> CanonicalHead | None:
    """Decline; ``gateway/http/head_parser.py`` and ``checks.py`` do it."""
    return None


def _envelope(
    headers: list[tuple[bytes, bytes]],
    shown: bool,
    method: bytes | None,
    target: bytes | None,
    body: bytes | None,
    deepest: int,
) -> bytes | None:
    """Decline; ``EnvelopeBuilder.reference`` does it."""
    return None


def _log_entry(
    request_id: bytes,
    method: bytes,
    target: bytes,
    origin: str,
    headers: list[tuple[bytes, bytes]],
    received: int,
    status: int,
    response_headers: bytes,
    sent: int,
    latencies: tuple[int, int, int, int],
    client: str,
    started: int,
    upstream_uri: bytes,
    upstream_status: str,
    source: str,
    members: bytes,
    rest: bytes,
) -> bytes | None:
    """Decline; ``log_entry`` of ``gateway/plugins/logging/serializer.py`` does it."""
    return None


parse_head, envelope, log_entry, version = _parse_head, _envelope, _log_entry, ""
try:
    import kafka_gateway_native as _twins
except ImportError:
    pass
else:
    parse_head, envelope = _twins.parse_head, _twins.envelope
    # Version 0.1.0 has none.
    log_entry = getattr(_twins, "log_entry", _log_entry)
    version = _twins.__version__
