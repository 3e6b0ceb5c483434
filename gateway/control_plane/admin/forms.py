# SPDX-License-Identifier: Apache-2.0
"""Bodies of HTML forms as entities: ``config.minute=5&hosts[]=a.test&service.name=a``.

The rules are those of Kong 3.10 ``kong/api/arguments.lua``: dots lead into records, brackets make
lists, and the entity's schema says what a text stands for. An empty text is null.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from gateway.entities.shape import Shape
from gateway.errors import RequestRejected

URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_MOST = 10_000
"""Fields of one form."""
_LONGEST, _DEEPEST = 500, 20
"""Letters and steps of a field's name."""
_LIST = re.compile(r"(.+?)((?:\[\d*\])+)")
_BRACKET = re.compile(r"\[(\d*)\]")


def read_form(content: bytes, content_type: str) -> dict[str, Any]:
    """Return what a form holds, nested, all values texts. Raises ``RequestRejected`` (400)."""
    tree = _Branch()
    for count, (name, value) in enumerate(_pairs(content, content_type)):
        if count >= _MOST or len(name) > _LONGEST:
            text = f"the form has more than {_MOST} fields, or one whose name is too long"
            raise RequestRejected(400, text)
        steps = list(_steps(name))
        if len(steps) > _DEEPEST:
            raise RequestRejected(400, f"the form's field {name[:80]} leads too deep")
        _put(tree, steps, value)
    return {name: _lists(value) for name, value in tree.items()}


def _pairs(content: bytes, content_type: str) -> Iterator[tuple[str, str]]:
    if content_type.lower().startswith(MULTIPART):
        yield from _parts(content, content_type)
        return
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise RequestRejected(400, "Cannot parse form body: expected UTF-8") from None
    try:
        yield from parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST)
    except ValueError:
        raise RequestRejected(400, f"the form has more than {_MOST} fields") from None


def _parts(content: bytes, content_type: str) -> Iterator[tuple[str, str]]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + content)
    if not message.is_multipart():
        raise RequestRejected(400, "Cannot parse form body: it has no parts")
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(value, bytes):
            continue
        try:
            yield name, value.decode()
        except UnicodeDecodeError:
            raise RequestRejected(400, f"the form's field {name[:80]} is not UTF-8") from None


def _steps(name: str) -> Iterator[str | int]:
    """Yield the names, and the positions in lists, that a field's name leads through.

    An empty bracket is position 0: the next free one.
    """
    for part in filter(None, name.split(".")) if name.strip(".") else (name,):
        found = _LIST.fullmatch(part)
        if found is None:
            yield part
            continue
        yield found[1]
        for index in _BRACKET.findall(found[2]):
            yield int(index[:6] or 0)


class _Branch(dict[Any, Any]):
    """What is below one step."""

    last = 0
    """The highest position in it: to look for that at each field took seconds for thousands."""


def _put(tree: _Branch, steps: list[str | int], value: str) -> None:
    for step, after in zip(steps, [*steps[1:], None], strict=True):
        key = step
        if isinstance(step, int):
            key = step or tree.last + 1
            tree.last = max(tree.last, key)
        if after is None:
            former = tree.get(key)
            repeated = [*former, value] if isinstance(former, list) else [former, value]
            tree[key] = value if former is None else repeated
            return
        below = tree.get(key)
        if not isinstance(below, _Branch):
            below = tree[key] = _Branch()
        tree = below


def _lists(value: Any) -> Any:
    """Turn what is kept by position into lists."""
    if not isinstance(value, Mapping):
        return value
    if value and all(isinstance(key, int) for key in value):
        items: Iterable[Any] = (value[key] for key in sorted(value))
        flat = [_lists(item) for item in items]
        return [one for item in flat for one in (item if isinstance(item, list) else [item])]
    return {str(key): _lists(item) for key, item in value.items()}


def infer(value: Any, shape: Shape) -> Any:
    """Return what a form's value stands for by its shape; what does not fit stays a text."""
    if value == "":
        return None
    if shape.type in ("array", "set"):
        items = value if isinstance(value, list) else [value]
        return [infer(item, shape.elements) if shape.elements else item for item in items]
    if isinstance(value, Mapping):
        return _record(value, shape)
    if isinstance(value, str):
        return _scalar(value, shape)
    return value


def _record(value: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    if shape.type == "map" and shape.elements is not None:
        return {name: infer(item, shape.elements) for name, item in value.items()}
    fields = shape.fields or {}
    return {name: infer(item, fields.get(name, _ANY)) for name, item in value.items()}


_ANY = Shape("any")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?(?:[eE][+-]?[0-9]{1,2})?")


def _scalar(value: str, shape: Shape) -> Any:
    if shape.type == "boolean":
        return {"true": True, "false": False}.get(value, value)
    if shape.type in ("integer", "number") and _INTEGER.fullmatch(value):
        return int(value)
    if shape.type == "number" and _NUMBER.fullmatch(value):
        return float(value)
    return value
