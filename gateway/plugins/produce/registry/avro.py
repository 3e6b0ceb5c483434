# SPDX-License-Identifier: Apache-2.0
"""From JSON values to Avro (specification 1.12, "JSON Encoding").

A schema is compiled once into functions that check a value and make what fastavro writes; unions
become (branch, value) pairs, so the branch is chosen here and nowhere else. Members that a record's
schema does not name are left out, as Avro's own JSON decoders do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from io import BytesIO
from math import isinf
from typing import Any

import fastavro
from fastavro.types import Schema

from gateway.errors import SchemaMismatch, SchemaUnusable

Convert = Callable[[Any], Any]

_INT = 2**31
_LONG = 2**63
_MISSING: Any = object()


class AvroSerializer:
    """Writes values of one schema.

    ``simple``: unions are plain JSON (``simple_json``); otherwise their values name the branch
    (``avro_json``). ``referenced``: the schemas it refers to, those they refer to first. Raises
    ``SchemaUnusable``.
    """

    def __init__(self, schema: Any, referenced: list[Any], *, simple: bool) -> None:
        self._simple = simple
        self._named: dict[str, Any] = {}
        self._compiled: dict[str, Convert] = {}
        self._seen: dict[tuple[int, int], Any] = {}
        try:
            for other in referenced:
                fastavro.parse_schema(other, named_schemas=self._named)
            self._parsed: Schema = fastavro.parse_schema(schema, named_schemas=self._named)
            self._convert = self._compile(self._parsed)
            self._seen.clear()
        except SchemaUnusable:
            raise
        except Exception as error:
            # fastavro raises whatever a malformed schema led it into.
            raise SchemaUnusable(f"no Avro schema: {type(error).__name__}: {error}") from None

    def serialize(self, value: Any, text: bytes) -> bytes:
        """Return a JSON value as Avro; raises ``SchemaMismatch``."""
        try:
            datum = self._convert(value)
            out = BytesIO()
            fastavro.schemaless_writer(out, self._parsed, datum)
        except RecursionError:
            raise SchemaMismatch("nested too deeply") from None
        finally:
            self._seen.clear()
        return out.getvalue()

    def _compile(self, schema: Any) -> Convert:
        if isinstance(schema, list):
            return self._union(schema)
        if isinstance(schema, str):
            return _PRIMITIVES.get(schema) or self._by_name(schema)
        kind = schema["type"]
        if kind in _PRIMITIVES:
            return _PRIMITIVES[kind]
        if kind in ("record", "error"):
            return self._record(schema)
        if kind == "enum":
            return _enum(schema)
        if kind == "fixed":
            return _fixed(schema)
        if kind == "array":
            return _array(self._compile(schema["items"]))
        if kind == "map":
            return _map(self._compile(schema["values"]))
        return self._compile(kind)

    def _by_name(self, name: str) -> Convert:
        """Return the function of a named type, which may contain itself."""
        if name not in self._compiled:
            self._compile(self._named[name])
        compiled = self._compiled
        return lambda value: compiled[name](value)

    def _record(self, schema: Mapping[str, Any]) -> Convert:
        name = schema["name"]
        if name in self._compiled:
            return self._compiled[name]
        fields: list[tuple[str, Convert, Any]] = []

        def convert(value: Any) -> Any:
            if type(value) is not dict:
                raise SchemaMismatch(f"must be a record {name}, is {_kind(value)}")
            found = {}
            for field, member, default in fields:
                given = value.get(field, _MISSING)
                if given is _MISSING:
                    if default is _MISSING:
                        raise SchemaMismatch("is missing and has no default", field)
                    found[field] = default
                    continue
                try:
                    found[field] = member(given)
                except SchemaMismatch as error:
                    raise error.inside(field) from None
            return found

        self._compiled[name] = convert
        for field in schema["fields"]:
            member = self._compile(field["type"])
            fields.append((field["name"], member, self._default(field, member)))
        return convert

    def _default(self, field: Mapping[str, Any], member: Convert) -> Any:
        """Return what stands for a missing field; ``_MISSING``: it must be given."""
        kind = field["type"]
        union = isinstance(kind, list)
        if "default" not in field:
            return None if self._simple and union and "null" in kind else _MISSING
        default = field["default"]
        if not union:
            return _default_of(member, default, field["name"])
        # A union's default is written without its branch's name.
        for branch in kind:
            try:
                plain = _default_of(self._compile(branch), default, field["name"])
            except SchemaUnusable:
                continue
            return plain if branch == "null" else (_branch(branch), plain)
        raise SchemaUnusable(f"the default of field {field['name']} fits no branch")

    def _union(self, schema: list[Any]) -> Convert:
        branches = {_branch(one): self._compile(one) for one in schema if one != "null"}
        nullable = "null" in schema
        choose = self._plainly if self._simple else _tagged_only
        expected = ", ".join(["null"] * nullable + list(branches))
        number, seen = id(schema), self._seen
        shared = len(branches) > 1

        def convert(value: Any) -> Any:
            if value is None and nullable:
                return None
            if not shared:
                return choose(value, branches, expected)
            # Each value is tried once on each union: nested branches that all fit but for a leaf
            # would otherwise be tried in all their combinations.
            key = (id(value), number)
            found = seen.get(key, _MISSING)
            if found is _MISSING:
                try:
                    found = choose(value, branches, expected)
                except SchemaMismatch as error:
                    found = error
                seen[key] = found
            if isinstance(found, SchemaMismatch):
                raise SchemaMismatch(found.problem, *found.path)
            return found

        return convert

    @staticmethod
    def _plainly(value: Any, branches: Mapping[str, Convert], expected: str) -> Any:
        """Choose by what fits: a value already tagged, a large integer's long, the first."""
        tagged = _tag(value, branches)
        inside = None
        if tagged is not None:
            try:
                return tagged, branches[tagged](value[tagged])
            except SchemaMismatch as error:
                # It may still be an untagged value that looks like one.
                inside = error.inside(tagged)
        if type(value) is int and not -_INT <= value < _INT and "long" in branches:
            return "long", branches["long"](value)
        for name, member in branches.items():
            try:
                return name, member(value)
            except SchemaMismatch as error:
                if len(branches) == 1 and error.path:
                    inside = inside or error
        raise inside or SchemaMismatch(f"fits no branch of the union: {expected}")


def _tagged_only(value: Any, branches: Mapping[str, Convert], expected: str) -> Any:
    tagged = _tag(value, branches)
    if tagged is None:
        raise SchemaMismatch(f"must be an object that names one branch of the union: {expected}")
    try:
        return tagged, branches[tagged](value[tagged])
    except SchemaMismatch as error:
        raise error.inside(tagged) from None


def _tag(value: Any, branches: Mapping[str, Convert]) -> str | None:
    if type(value) is not dict or len(value) != 1:
        return None
    name = next(iter(value))
    return name if name in branches else None


def _branch(schema: Any) -> str:
    """Return the name of a union's branch: that of the type, or the full name."""
    if isinstance(schema, str):
        return schema
    kind = schema["type"]
    return str(schema["name"]) if kind in ("record", "error", "enum", "fixed") else str(kind)


def _default_of(member: Convert, default: Any, name: str) -> Any:
    try:
        return member(default)
    except SchemaMismatch as error:
        raise SchemaUnusable(f"the default of field {name}: {error}") from None


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
    return names.get(type(value), "null" if value is None else "a number")


def _exactly(kind: type, name: str) -> Convert:
    def convert(value: Any) -> Any:
        if type(value) is not kind:
            raise SchemaMismatch(f"must be {name}, is {_kind(value)}")
        return value

    return convert


def _integer(limit: int, name: str) -> Convert:
    def convert(value: Any) -> Any:
        if type(value) is not int:
            raise SchemaMismatch(f"must be {name}, is {_kind(value)}")
        if not -limit <= value < limit:
            raise SchemaMismatch(f"is too large for {name}")
        return value

    return convert


def _real(value: Any) -> Any:
    if type(value) not in (int, float, Decimal):
        raise SchemaMismatch(f"must be a number, is {_kind(value)}")
    try:
        found = float(value)
    except OverflowError:
        found = float("inf")
    # JSON has no infinity: it stands for a number that no double can hold.
    if isinf(found):
        raise SchemaMismatch("is too large for a double")
    return found


def _single(value: Any) -> Any:
    found = _real(value)
    if abs(found) > 3.4028235677973366e38:
        raise SchemaMismatch("is too large for a float")
    return found


def _bytes(value: Any) -> Any:
    # One character for each byte (specification, "JSON Encoding").
    if type(value) is not str:
        raise SchemaMismatch(f"must be bytes as a string, is {_kind(value)}")
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        raise SchemaMismatch("must be bytes: characters up to U+00FF") from None


def _enum(schema: Mapping[str, Any]) -> Convert:
    symbols = frozenset(schema["symbols"])

    def convert(value: Any) -> Any:
        if type(value) is not str or value not in symbols:
            raise SchemaMismatch(f"must be one of {', '.join(schema['symbols'])}")
        return value

    return convert


def _fixed(schema: Mapping[str, Any]) -> Convert:
    def convert(value: Any) -> Any:
        found = _bytes(value)
        if len(found) != schema["size"]:
            raise SchemaMismatch(f"must have {schema['size']} bytes, has {len(found)}")
        return found

    return convert


def _array(item: Convert) -> Convert:
    def convert(value: Any) -> Any:
        if type(value) is not list:
            raise SchemaMismatch(f"must be an array, is {_kind(value)}")
        found = []
        for place, member in enumerate(value):
            try:
                found.append(item(member))
            except SchemaMismatch as error:
                raise error.inside(place) from None
        return found

    return convert


def _map(item: Convert) -> Convert:
    def convert(value: Any) -> Any:
        if type(value) is not dict:
            raise SchemaMismatch(f"must be a map, is {_kind(value)}")
        found = {}
        for name, member in value.items():
            try:
                found[name] = item(member)
            except SchemaMismatch as error:
                raise error.inside(name) from None
        return found

    return convert


_PRIMITIVES: dict[str, Convert] = {
    "null": _exactly(type(None), "null"),
    "boolean": _exactly(bool, "a boolean"),
    "int": _integer(_INT, "an int"),
    "long": _integer(_LONG, "a long"),
    "float": _single,
    "double": _real,
    "bytes": _bytes,
    "string": _exactly(str, "a string"),
}
