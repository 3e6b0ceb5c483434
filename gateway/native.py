# SPDX-License-Identifier: Apache-2.0
"""The native twins of functions on the request path, where they are installed.

What they do is written in Python first, which is the reference and does the work without them; a
twin does the same or returns None (docs/decisions/native-twins.md). They are a package of their
own, ``native/``, so that a checkout needs no Rust.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

UsualHead = tuple[bytes, bytes, bytes, bytes | None, list[tuple[bytes, bytes]], bytes, int, int]
"""Method, target, its path and query, headers, host, length of the body, where the head ends."""


def _read_head(data: bytes, begin: int) -> UsualHead | None:
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


def _log_text(
    request_id: bytes,
    method: bytes,
    target: bytes,
    origin: str,
    headers: list[tuple[bytes, bytes]],
    size: int,
    middle: bytes,
    sent: int,
    received: float,
    ended: float,
    waiting: float | None,
    upstream: tuple[float, int] | None,
    client: str,
    since: float,
    end: bytes,
) -> bytes | None:
    """Decline; ``log_entry`` of ``gateway/plugins/logging/serializer.py`` does it."""
    return None


def _forwarded_lines(
    headers: list[tuple[bytes, bytes]], via: bytes, client: str, peer: str
) -> bytes | None:
    """Decline; ``gateway/proxy/headers.py`` does it."""
    return None


def _parse_response(data: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes] | None:
    """Decline; ``gateway/outgoing/connection.py`` and ``headers.py`` do it."""
    return None


def _response_lines(headers: object) -> tuple[bytes, bytes | None, bool] | None:
    """Decline; ``HeadWriter.head`` does it."""
    return None


def _fill_rows(
    words: array[int],
    width: int,
    topic: int,
    tokens: list[int],
    values: list[bytes],
    extras: list[tuple[bytes | None, Sequence[tuple[str, bytes]]]],
    names: dict[str, int],
) -> int | None:
    """Decline; ``gateway/kafka/headed_records.py`` does it."""
    return None


def _produce_rows(
    function: int, handle: int, rows: int, count: int, fields: int, used: int
) -> list[int] | None:
    """Decline; ``gateway/kafka/headed_records.py`` does it."""
    return None


def _traceparent_flags(content: bytes) -> int | None:
    """Decline; ``gateway/plugins/opentelemetry/passing.py`` does it."""
    return None


parse_head, envelope, log_text, version = _read_head, _envelope, _log_text, ""
forwarded_lines, parse_response, response_lines = (
    _forwarded_lines,
    _parse_response,
    _response_lines,
)
traceparent_flags, fill_rows, produce_rows = _traceparent_flags, _fill_rows, _produce_rows
try:
    import kafka_gateway_native as _twins
except ImportError:
    pass
else:
    envelope = _twins.envelope
    # Those that were installed before a checkout was brought up to date may lack some.
    parse_head = getattr(_twins, "read_head", _read_head)
    log_text = getattr(_twins, "log_text", _log_text)
    forwarded_lines = getattr(_twins, "forwarded_lines", _forwarded_lines)
    parse_response = getattr(_twins, "parse_response", _parse_response)
    response_lines = getattr(_twins, "response_lines", _response_lines)
    traceparent_flags = getattr(_twins, "traceparent_flags", _traceparent_flags)
    fill_rows = getattr(_twins, "fill_rows", _fill_rows)
    produce_rows = getattr(_twins, "produce_rows", _produce_rows)
    version = _twins.__version__
