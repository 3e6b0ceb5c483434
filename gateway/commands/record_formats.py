# SPDX-License-Identifier: Apache-2.0
"""How ``topic consume`` writes records: their bytes, JSON, or a table for people."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from gateway.kafka.admin import Record

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What moves a terminal's cursor, colours it, or turns the direction of writing; not the tab."""
_WIDTHS = (3, 10, 12, 24)
_MOST = 512
"""Characters of a value that are shown in a table where the terminal's width is not known."""


class Output(StrEnum):
    """The forms of ``--output``."""

    RAW = "raw"
    JSON = "json"
    TABLE = "table"


def formatter(
    output: Output, *, key: bool, headers: bool, width: int | None
) -> Callable[[Record], bytes]:
    """Return what makes a line of a record, without its end; ``width`` is a terminal's.

    ``raw`` is the value as it was written, before it headers and key where they are asked for, with
    tabs between, as Kafka's console consumer has them. On a terminal, and in a table, whatever
    would steer the terminal is escaped. ``json`` is the whole record; what is not UTF-8 stands
    under ``value_base64``, ``key_base64``, or as ``{"base64": …}`` in ``headers``.
    """
    if output is Output.JSON:
        return as_json if width is None else lambda record: _escaped(as_json(record))
    if output is Output.TABLE:
        return lambda record: _row(record, key, headers, width or _MOST).encode()

    def raw(record: Record) -> bytes:
        parts = [_joined(record)] if headers else []
        parts += [b"null" if record.key is None else record.key] if key else []
        parts.append(b"" if record.value is None else record.value)
        line = b"\t".join(parts)
        return line if width is None else shown(line).encode()

    return raw


def heading(key: bool, headers: bool) -> str:
    """Return the first line of a table."""
    names = ["P", "OFFSET", "TIME", *(["KEY"] if key else [])]
    cells = [f"{name:<{wide}}" for name, wide in zip(names, _WIDTHS, strict=False)]
    return "  ".join([*cells, *(["HEADERS"] if headers else []), "VALUE"])


def as_json(record: Record) -> bytes:
    """Return a whole record as one line."""
    return orjson.dumps(
        {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "timestamp": record.timestamp,
            **_member("key", record.key),
            **_member("value", record.value),
            "headers": [[name, _header(content)] for name, content in record.headers],
        }
    )


def shown(content: bytes | None) -> str:
    """Return bytes as a terminal may have them: no control characters, no broken UTF-8."""
    text = "" if content is None else content.decode("utf-8", "backslashreplace")
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _escaped(line: bytes) -> bytes:
    """Return JSON with escapes for those control characters that JSON may hold as they are."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", line.decode()).encode()


def _row(record: Record, key: bool, headers: bool, width: int) -> str:
    cells = [str(record.partition), str(record.offset), _time(record.timestamp)]
    cells += [_cut(shown(record.key), _WIDTHS[3])] if key else []
    cells = [f"{cell:<{wide}}" for cell, wide in zip(cells, _WIDTHS, strict=False)]
    cells += [shown(_joined(record))] if headers else []
    return _cut("  ".join([*cells, shown(record.value)]), width)


def _time(milliseconds: int) -> str:
    """Return a record's time of day; a dash where it has none, or one that no calendar has.

    Producers give records any time they like.
    """
    try:
        at = datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return "-"
    return f"{at:%H:%M:%S.%f}"[:12] if at else "-"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def _joined(record: Record) -> bytes:
    pairs = [name.encode() + b":" + (content or b"null") for name, content in record.headers]
    return b",".join(pairs) or b"NO_HEADERS"


def _member(name: str, content: bytes | None) -> dict[str, str | None]:
    text = _text(content)
    if text is None and content is not None:
        return {name: None, f"{name}_base64": base64.b64encode(content).decode()}
    return {name: text}


def _header(content: bytes | None) -> object:
    text = _text(content)
    if text is None and content is not None:
        return {"base64": base64.b64encode(content).decode()}
    return text


def _text(content: bytes | None) -> str | None:
    try:
        return None if content is None else content.decode()
    except UnicodeDecodeError:
        return None
