# SPDX-License-Identifier: Apache-2.0
"""Query and form arguments as Kong decodes them (kafka-plugins.md §2.4)."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

MOST = 100
"""Arguments after this many are dropped."""

Argument = str | bool
Arguments = dict[str, Argument | list[Argument]]


def parse(encoded: bytes | None) -> Arguments:
    """Return decoded names and values.

    ``a=1`` is "1", ``a=`` is "", ``a`` alone is True, repeated names make a list in order. A plus
    sign is a space; wrong percent escapes stay as they are. Bytes that are no UTF-8 become U+FFFD.
    """
    found: Arguments = {}
    if not encoded:
        return found
    for pair in encoded.split(b"&", MOST)[:MOST]:
        if not pair:
            continue
        name, equals, value = pair.partition(b"=")
        if not name and not equals:
            continue
        _add(found, decode(name), decode(value) if equals else True)
    return found


def first(arguments: Arguments, name: str) -> str | None:
    """Return the first value of an argument; None when it has none (decision D14)."""
    value = arguments.get(name)
    if isinstance(value, list):
        value = value[0]
    return value if isinstance(value, str) else None


def decode(part: bytes) -> str:
    """Return a percent-decoded part."""
    if b"+" in part:
        part = part.replace(b"+", b" ")
    if b"%" in part:
        part = unquote_to_bytes(part)
    return part.decode("utf-8", "replace")


def _add(found: Arguments, name: str, value: Argument) -> None:
    before = found.get(name)
    if before is None:
        found[name] = value
    elif isinstance(before, list):
        before.append(value)
    else:
        found[name] = [before, value]
