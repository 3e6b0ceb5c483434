# SPDX-License-Identifier: Apache-2.0
"""A request's body as the envelope shows it, by content type.

Where a body that counts as text is no UTF-8, JSON cannot hold it: it is shown in base64 and marked
as such, so that nothing of it is lost.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import orjson

from gateway.errors import BodyUnreadable, RequestRejected
from gateway.http import arguments
from gateway.plugins.produce import json_text

_TEXT = frozenset(
    {b"text/plain", b"text/html", b"application/xml", b"text/xml", b"application/soap+xml"}
)
_NO_ARGUMENTS: dict[str, Any] = {}
_CONTAINERS = (b"{", b"[")
_BLANKS = b" \t\r\n"
_MOST_PARTS = 1000
_LONGEST_PART_HEAD = 4096
"""Bytes of the lines before a part's content."""

Fill = Callable[[dict[str, Any], bytes, bytes, int], None]
"""Takes the envelope, the body, its content type, and how deep JSON may be nested."""


def reader(content_type: bytes | None) -> Fill:
    """Return what puts a body of this type into an envelope; raises ``RequestRejected`` then."""
    return _reader(content_type) if content_type is not None else _binary


@lru_cache(maxsize=256)
def _reader(content_type: bytes) -> Fill:
    kind = content_type.strip().lower()
    # By prefix, as Kong does it: application/json-patch+json is JSON.
    if kind.startswith(b"application/json"):
        return _json
    if kind.startswith(b"application/x-www-form-urlencoded"):
        return _form
    if kind.startswith(b"multipart/form-data"):
        return _multipart
    return _text if kind.partition(b";")[0].strip() in _TEXT else _binary


def is_json(content_type: bytes | None) -> bool:
    """Whether ``encode_json`` is the way of a body of this type."""
    return content_type is not None and _reader(content_type) is _json


def encode_json(body: bytes, deepest: int) -> bytes:
    """Return the envelope of nothing but a JSON body, as JSON; raises ``RequestRejected``.

    The same bytes as the long way makes, for what most requests are.
    """
    text = orjson.dumps(_checked_json(body, deepest))
    return b"".join((b'{"body":', text, b',"body_args":', body, b"}"))


def is_coded(content_coding: bytes) -> bool:
    """Whether a Content-Encoding changes the bytes of a body."""
    return content_coding.strip().lower() not in (b"", b"identity")


def _checked_json(body: bytes, deepest: int) -> str:
    """Return the body as text; raises ``BodyUnreadable`` unless it is an object or an array."""
    try:
        json_text.check(body, deepest)
        text = body.decode()
    except UnicodeDecodeError:
        raise _unreadable("JSON: it is not UTF-8") from None
    except ValueError as error:
        raise _unreadable(f"JSON: {error}") from None
    if body[:1] not in _CONTAINERS and body.lstrip(_BLANKS)[:1] not in _CONTAINERS:
        raise _unreadable("JSON: neither an object nor an array")
    return text


def _json(envelope: dict[str, Any], body: bytes, content_type: bytes, deepest: int) -> None:
    envelope["body"] = _checked_json(body, deepest)
    # The very text: numbers stay exact, however many digits they have.
    envelope["body_args"] = orjson.Fragment(body)


def _form(envelope: dict[str, Any], body: bytes, content_type: bytes, deepest: int) -> None:
    _show(envelope, body, arguments.parse(body))


def _multipart(envelope: dict[str, Any], body: bytes, content_type: bytes, deepest: int) -> None:
    _show(envelope, body, dict(_parts(body, boundary_of(content_type))))


def _text(envelope: dict[str, Any], body: bytes, content_type: bytes, deepest: int) -> None:
    _show(envelope, body, _NO_ARGUMENTS)


def _binary(envelope: dict[str, Any], body: bytes, content_type: bytes, deepest: int) -> None:
    envelope["body"] = b64encode(body).decode()
    envelope["body_args"] = _NO_ARGUMENTS
    envelope["body_base64"] = True


def _show(envelope: dict[str, Any], body: bytes, found: dict[str, Any]) -> None:
    try:
        envelope["body"] = body.decode()
    except UnicodeDecodeError:
        envelope["body"] = b64encode(body).decode()
        envelope["body_base64"] = True
    envelope["body_args"] = found


def boundary_of(content_type: bytes) -> bytes:
    """Return the boundary that a multipart type names; raises ``BodyUnreadable`` without one."""
    found = _parameter(content_type, b"boundary")
    if not found:
        raise _unreadable("multipart/form-data: the content type names no boundary")
    return found


def _parts(body: bytes, boundary: bytes) -> list[tuple[str, str]]:
    """Return name and content of each part (RFC 7578); of equal names the last counts."""
    delimiter = b"\r\n--" + boundary
    if body.count(delimiter) > _MOST_PARTS:
        raise RequestRejected(413, f"the request's body has more than {_MOST_PARTS} parts")
    pieces = (b"\r\n" + body).split(delimiter)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise _unreadable("multipart/form-data: the body does not end with its boundary")
    found = []
    for piece in pieces[1:-1]:
        head, separator, content = piece.partition(b"\r\n\r\n")
        if len(head) > _LONGEST_PART_HEAD:
            raise _unreadable(
                f"multipart/form-data: a part's head has over {_LONGEST_PART_HEAD} bytes"
            )
        name = part_name(head)
        if not separator or name is None:
            raise _unreadable("multipart/form-data: a part has no name")
        found.append((name, content.decode("utf-8", "replace")))
    return found


def part_name(head: bytes) -> str | None:
    """Return the name that the head of a part gives it; None without one."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-disposition":
            found = _parameter(value, b"name")
            return None if found is None else found.decode("utf-8", "replace")
    return None


def _parameter(value: bytes, wanted: bytes) -> bytes | None:
    """Return a parameter of a header's value (RFC 9110 §5.6.6), in time linear to its length.

    The one of the standard library takes the square of it.
    """
    for found in _parameters(value):
        if found[1].lower() == wanted:
            return found[3] if found[2] is None else _escaped.sub(rb"\1", found[2])
    return None


_parameters = re.compile(
    rb';\s*+([^\s;="]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^\s;"]++))'
).finditer
_escaped = re.compile(rb"\\(.)")


def _unreadable(what: str) -> BodyUnreadable:
    return BodyUnreadable(f"the request's body cannot be read as {what}")
