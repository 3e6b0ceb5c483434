# SPDX-License-Identifier: Apache-2.0
"""By which ids a line of the log is found from a request or from its trace, and the other way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.http.messages import Request


def named(request: Request) -> dict[str, str]:
    """Return the fields of a log line about a request; see ``ids_of``."""
    return ids_of(request.id, request.trace)


def ids_of(request_id: bytes, trace: Any) -> dict[str, str]:
    """Return them for a request that is gone, of which its id and ``trace`` are left.

    ``trace_id`` where a plugin has found its trace, in 32 characters of hex, and ``span_id``, the
    request's own, where that is recorded (OpenTelemetry, "Trace Context in non-OTLP Log Formats").
    """
    fields = {"request_id": request_id.decode()}
    if trace is not None:
        fields["trace_id"] = trace.id
        if trace.root:
            fields["span_id"] = trace.root.decode()
    return fields
