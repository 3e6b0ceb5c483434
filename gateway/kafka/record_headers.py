# SPDX-License-Identifier: Apache-2.0
"""The headers of a record that the client library has read."""

from __future__ import annotations

from functools import partial
from typing import Any

Headers = list[tuple[str, bytes | None]]


def headers_of(message: Any) -> Headers | None:
    """Return a record's headers in order; none at all is an empty list.

    None where they cannot be read: a name is not UTF-8, which any producer can write, and the
    library then has no way to the others either. To be asked once for a message: the library
    forgets that it failed.
    """
    try:
        # With such a name confluent-kafka (2.x) returns a list with holes and leaves an exception
        # behind. CPython makes a ``SystemError`` of that where it checks results, which a line that
        # calls a C function has given up when it has run some times (from 3.11 on): whoever looks
        # into a hole then ends the process. `partial` has each of its calls checked.
        return partial(message.headers)() or []
    except (SystemError, UnicodeDecodeError):
        return None
