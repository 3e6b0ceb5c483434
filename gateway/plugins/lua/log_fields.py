# SPDX-License-Identifier: Apache-2.0
"""``kong.log.set_serialize_value``: what Lua adds to a request's log entries."""

from __future__ import annotations

from typing import Any

from gateway.http.messages import Request
from gateway.plugins.logging.paths import MODES, TOO_DEEP, CustomField, is_loggable, parse_path

_MOST = 100
"""Fields of one request."""


def add_log_field(
    request: Request, key: Any = None, value: Any = None, options: Any = None
) -> None:
    """Add a field to the entries of a request that are made later; raises ``ValueError``.

    Values are as JSON has them, strings also as bytes.
    """
    if not isinstance(key, bytes):
        raise ValueError("key must be a string")
    mode = options.get("mode", "set") if isinstance(options, dict) else "set"
    if mode not in MODES:
        raise ValueError("mode must be 'set', 'add' or 'replace'")
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not is_loggable(value):
        raise ValueError(TOO_DEEP)
    if len(request.log_fields) >= _MOST:
        raise ValueError(f"a request has {_MOST} log fields at most")
    field = CustomField(parse_path(key.decode("utf-8", "replace")), value, mode)
    request.log_fields = [*request.log_fields, field]
