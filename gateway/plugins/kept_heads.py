# SPDX-License-Identifier: Apache-2.0
"""Heads of responses that plugins keep in a store: as JSON, and back.

Others may write into a store too, by mistake or by hand: what is no head is none, and is not sent.
"""

from __future__ import annotations

import re
from typing import Any

from gateway.http.headers import Headers
from gateway.names.header_texts import is_field_name

_VALUE = re.compile(r"[^\x00\r\n]*")


def plain_headers(headers: Headers) -> list[list[str]]:
    """Return headers as JSON has them."""
    return [[name.decode("latin-1"), value.decode("latin-1")] for name, value in headers]


def kept_status(value: Any) -> int:
    """Return a status that was kept; raises ``ValueError`` for what is none of a response."""
    if type(value) is not int or not 200 <= value <= 999:
        raise ValueError("no status")
    return value


def kept_headers(value: Any) -> Headers:
    """Return headers that were kept; raises ``ValueError`` for what is none, or no header."""
    if type(value) is not list:
        raise ValueError("no headers")
    found: Headers = []
    for pair in value:
        if type(pair) is not list or len(pair) != 2 or not all(isinstance(x, str) for x in pair):
            raise ValueError("no header")
        name, text = pair
        if not is_field_name(name) or _VALUE.fullmatch(text) is None:
            raise ValueError("no header")
        found.append((name.encode("latin-1"), text.encode("latin-1")))
    return found
