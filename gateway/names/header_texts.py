# SPDX-License-Identifier: Apache-2.0
"""What may stand in the head of a request or a response."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def is_field_name(text: str) -> bool:
    """Tell whether a text is the name of a header (RFC 9110 section 5.1)."""
    return _NAME.fullmatch(text) is not None


def has_control(text: str) -> bool:
    """Tell whether a text has a line end or another control character: it would begin a line."""
    return _CONTROL.search(text) is not None
