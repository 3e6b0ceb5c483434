# SPDX-License-Identifier: Apache-2.0
"""Property values between protobuf structs and plain Python.

A struct decodes to plain values and the set of paths whose values are secret, so that resources
work on plain dicts and the secrets are wrapped again on the way out. Numbers that are whole
come back as ints: the wire only knows doubles. A value that is not known yet is the string
``UNKNOWN``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from google.protobuf import struct_pb2

from gateway.names.numbers import whole
from gateway.names.property_paths import PropertyPath

# The SDK's wire signatures (sdk/go/common/resource/properties.go and plugin/rpc.go).
SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker, no secret
OUTPUT_SIGNATURE = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWNS = frozenset(
    (
        UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    )
)

Properties = dict[str, Any]


def decode(struct: struct_pb2.Struct) -> tuple[Properties, frozenset[PropertyPath]]:
    """Return the plain properties of ``struct`` and the paths that are secret in it."""
    secrets: set[PropertyPath] = set()
    plain = {name: _decode(value, (name,), secrets) for name, value in struct.fields.items()}
    return plain, frozenset(secrets)


def _decode(value: struct_pb2.Value, path: PropertyPath, secrets: set[PropertyPath]) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _decode_object(value.struct_value, path, secrets)
    if kind == "list_value":
        items = value.list_value.values
        return [_decode(item, (*path, place), secrets) for place, item in enumerate(items)]
    if kind == "string_value":
        return UNKNOWN if value.string_value in _UNKNOWNS else value.string_value
    if kind == "number_value":
        return whole(value.number_value)
    if kind == "bool_value":
        return value.bool_value
    return None


def _decode_object(
    struct: struct_pb2.Struct, path: PropertyPath, secrets: set[PropertyPath]
) -> Any:
    fields = struct.fields
    signature = fields[SIGNATURE_KEY].string_value if SIGNATURE_KEY in fields else ""
    if signature in (SECRET_SIGNATURE, OUTPUT_SIGNATURE):
        if signature == SECRET_SIGNATURE or fields["secret"].bool_value:
            secrets.add(path)
        return _decode(fields["value"], path, secrets) if "value" in fields else UNKNOWN
    return {name: _decode(item, (*path, name), secrets) for name, item in fields.items()}


def encode(
    properties: Mapping[str, Any], secrets: Iterable[PropertyPath] = ()
) -> struct_pb2.Struct:
    """Return a struct of ``properties`` with every value at a path of ``secrets`` wrapped.

    A path may hold ``"*"`` for any one key.
    """
    patterns = tuple(secrets)
    struct = struct_pb2.Struct()
    for name, value in properties.items():
        struct.fields[name].CopyFrom(_encode(value, (name,), patterns))
    return struct


def _encode(value: Any, path: PropertyPath, patterns: tuple[PropertyPath, ...]) -> struct_pb2.Value:
    if any(_matches(path, pattern) for pattern in patterns):
        wrapped = struct_pb2.Struct()
        wrapped.fields[SIGNATURE_KEY].string_value = SECRET_SIGNATURE
        wrapped.fields["value"].CopyFrom(_encode(value, path, ()))
        return struct_pb2.Value(struct_value=wrapped)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, (int, float)):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, Mapping):
        struct = struct_pb2.Struct()
        for name, item in value.items():
            struct.fields[str(name)].CopyFrom(_encode(item, (*path, str(name)), patterns))
        return struct_pb2.Value(struct_value=struct)
    if isinstance(value, Sequence):
        items = [_encode(item, (*path, place), patterns) for place, item in enumerate(value)]
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=items))
    return struct_pb2.Value(null_value=struct_pb2.NullValue.NULL_VALUE)


def _matches(path: PropertyPath, pattern: PropertyPath) -> bool:
    return len(path) == len(pattern) and all(
        wanted in ("*", key) for key, wanted in zip(path, pattern, strict=True)
    )


def is_known(value: Any) -> bool:
    """Whether nothing in ``value`` is still to be computed."""
    if isinstance(value, Mapping):
        return all(is_known(item) for item in value.values())
    if isinstance(value, list):
        return all(is_known(item) for item in value)
    return not (isinstance(value, str) and value == UNKNOWN)


def secret_texts(properties: Mapping[str, Any], secrets: Iterable[PropertyPath]) -> list[str]:
    """The secret strings in ``properties``, longest first: what must not show in any text."""
    texts: set[str] = set()
    patterns = tuple(secrets)

    def visit(value: Any, path: PropertyPath, inside: bool) -> None:
        inside = inside or any(_matches(path, pattern) for pattern in patterns)
        _children(value, path, lambda item, below: visit(item, below, inside))
        if inside and isinstance(value, str) and value != UNKNOWN:
            texts.add(value)

    visit(dict(properties), (), False)
    return sorted((text for text in texts if text), key=len, reverse=True)


def _children(value: Any, path: PropertyPath, visit: Callable[[Any, PropertyPath], None]) -> None:
    if isinstance(value, Mapping):
        for name, item in value.items():
            visit(item, (*path, name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            visit(item, (*path, place))
