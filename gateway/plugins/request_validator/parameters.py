# SPDX-License-Identifier: Apache-2.0
"""Parameters as values: OpenAPI's styles of writing lists and objects (OpenAPI 3.0.3, "Style
Values"), read by the types that a schema names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson

from gateway.http.messages import Request

_MOST = 1000
_ABSENT: Any = object()
"""Stands for a parameter that is not there."""
Pairs = list[tuple[str, str]]


class ParameterReader:
    """Reads one parameter of requests."""

    def __init__(self, parameter: Any) -> None:
        self.place: str = getattr(parameter, "in")
        self.name: str = parameter.name
        self.required: bool = parameter.required
        self._style = parameter.style
        self._explode = bool(parameter.explode)
        self._schema = {} if parameter.schema is None else orjson.loads(parameter.schema)
        self._kind = self._schema.get("type")
        self._header = self.name.lower().encode()
        places = {"header": self._of_header, "path": self._of_path, "query": self._of_query}
        self._read: Callable[[Request], Any] = places[self.place]

    def read(self, request: Request) -> tuple[bool, Any]:
        """Return whether the parameter is there, and its value.

        Raises ``ValueError`` for one that is not written in its style.
        """
        value = self._read(request)
        return (False, None) if value is _ABSENT else (True, value)

    def _of_header(self, request: Request) -> Any:
        found = request.header_values(self._header)
        if not found:
            return _ABSENT
        text = b",".join(found).decode("utf-8", "replace")
        return self._simple(text, lambda part: part.strip(" \t"))

    def _of_path(self, request: Request) -> Any:
        captures: dict[str, bytes | None] = getattr(request.match, "captures", None) or {}
        found = captures.get(self.name)
        if found is None:
            return _ABSENT
        text = found.decode("utf-8", "replace")
        if self._style == "label":
            return self._label(text)
        if self._style == "matrix":
            return self._matrix(text)
        return self._simple(text, _decode)

    def _of_query(self, request: Request) -> Any:
        pairs = _raw_pairs(request.query)
        if self._style == "deepObject":
            return self._deep(pairs)
        if self._kind == "object" and self._explode:
            names = self._schema.get("properties") or {}
            found = [(name, _decode(value)) for name, value in pairs if name in names]
            return self._object(found) if found else _ABSENT
        values = [value for name, value in pairs if name == self.name]
        if not values:
            return _ABSENT
        if self._kind == "array":
            if not self._explode:
                values = _split_by(values[0], self._style)
            return self._array([_decode(value) for value in values])
        if self._kind == "object":
            parts = [_decode(part) for part in _split_by(values[0], self._style)]
            return self._object(_in_twos(parts))
        if len(values) > 1:
            raise ValueError("the parameter is there more than once")
        return _typed(_decode(values[0]), self._schema)

    def _simple(self, text: str, clean: Callable[[str], str]) -> Any:
        if self._kind == "array":
            return self._array([clean(part) for part in text.split(",")])
        if self._kind == "object":
            parts = [clean(part) for part in text.split(",")]
            return self._object(_assigned(parts) if self._explode else _in_twos(parts))
        return _typed(clean(text), self._schema)

    def _label(self, text: str) -> Any:
        if not text.startswith("."):
            raise ValueError("a label begins with a dot")
        text = text[1:]
        between = "." if self._explode or "," not in text else ","
        parts = [_decode(part) for part in text.split(between)]
        if self._kind == "array":
            return self._array(parts)
        if self._kind == "object":
            return self._object(_assigned(parts) if self._explode else _in_twos(parts))
        return _typed(_decode(text), self._schema)

    def _matrix(self, text: str) -> Any:
        if not text.startswith(";"):
            raise ValueError("a matrix begins with a semicolon")
        pairs = _assigned([_decode(part) for part in text[1:].split(";")])
        if self._kind == "object" and self._explode:
            return self._object(pairs)
        values = [value for name, value in pairs if name == self.name]
        if not values:
            return _ABSENT
        if self._kind == "array":
            return self._array(values if self._explode else values[0].split(","))
        if self._kind == "object":
            return self._object(_in_twos(values[0].split(",")))
        return _typed(values[0], self._schema)

    def _deep(self, pairs: Pairs) -> Any:
        start = f"{self.name}["
        found = [
            (name[len(start) : -1], _decode(value))
            for name, value in pairs
            if name.startswith(start) and name.endswith("]")
        ]
        return self._object(found) if found else _ABSENT

    def _array(self, values: Sequence[str]) -> list[Any]:
        items = self._schema.get("items")
        schema = items if isinstance(items, dict) else {}
        return [_typed(value, schema) for value in values]

    def _object(self, pairs: Pairs) -> dict[str, Any]:
        properties = self._schema.get("properties") or {}
        return {name: _typed(value, properties.get(name) or {}) for name, value in pairs}


def _typed(text: str, schema: Any) -> Any:
    """Return a text as a value of one of the schema's types; as it is where it is none."""
    kinds = schema.get("type") if isinstance(schema, dict) else None
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if kind in ("number", "integer", "boolean", "null"):
            try:
                value = orjson.loads(text)
            except orjson.JSONDecodeError:
                continue
            if _is_of(value, kind):
                return value
    return text


def _is_of(value: Any, kind: str) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "null":
        return value is None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _raw_pairs(query: bytes | None) -> Pairs:
    """Return names, decoded, and values as they are written."""
    if not query:
        return []
    parts = query.split(b"&", _MOST)
    if len(parts) > _MOST:
        raise ValueError(f"the query has more than {_MOST} arguments")
    found = []
    for part in parts:
        name, _, value = part.partition(b"=")
        found.append((_decode(name.decode("latin-1")), value.decode("latin-1")))
    return found


def _split_by(text: str, style: str | None) -> list[str]:
    if style == "spaceDelimited":
        return text.replace("%20", "+").split("+")
    if style == "pipeDelimited":
        return text.replace("%7C", "|").replace("%7c", "|").split("|")
    return text.replace("%2C", ",").replace("%2c", ",").split(",")


def _assigned(parts: Sequence[str]) -> Pairs:
    """Return pairs of ``name=value``."""
    found = [part.partition("=") for part in parts]
    if not all(equals for _, equals, _ in found):
        raise ValueError("an item is not written name=value")
    return [(name, value) for name, _, value in found]


def _in_twos(parts: Sequence[str]) -> Pairs:
    """Return pairs of items that follow each other."""
    if len(parts) % 2:
        raise ValueError("a name is without a value")
    return list(zip(parts[::2], parts[1::2], strict=True))


def _decode(text: str) -> str:
    raw = text.replace("+", " ").encode("latin-1", "replace")
    return unquote_to_bytes(raw).decode("utf-8", "replace")
