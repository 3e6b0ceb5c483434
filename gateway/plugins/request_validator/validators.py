# SPDX-License-Identifier: Apache-2.0
"""Schemas as checks of values, whatever language they are written in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema_rs
import orjson

from gateway.names.numbers import whole
from gateway.plugins.lua.sandbox import FAILURES, LuaSandbox, NotLua
from gateway.plugins.request_validator.kong_schema import Check, Match, compile_fields

_DRAFTS: dict[str, Callable[..., Any]] = {
    "draft4": jsonschema_rs.Draft4Validator,
    "draft6": jsonschema_rs.Draft6Validator,
    "draft7": jsonschema_rs.Draft7Validator,
    "draft201909": jsonschema_rs.Draft201909Validator,
    "draft202012": jsonschema_rs.Draft202012Validator,
}
_MOST_TEXT = 500
"""Characters of what is wrong."""


def validator(schema: str, version: str, *, lengths_of_lists: bool = False) -> Check:
    """Return the check of values by a schema; raises ``ValueError`` for what is none.

    ``lengths_of_lists``: a JSON schema's minLength and maxLength count the items of lists too.
    """
    try:
        found = orjson.loads(schema)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"failed decoding schema: {error}") from None
    if version == "kong":
        return compile_fields(found, lua_match())
    if not isinstance(found, dict | bool):
        raise ValueError("a JSON schema is an object")
    if lengths_of_lists:
        found = _with_list_lengths(found)
    try:
        made = _DRAFTS[version](found, validate_formats=True, retriever=_nowhere)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        raise ValueError(f"not a valid JSON schema: {_first_line(error)}") from None
    if version == "draft4":
        return lambda value: _problem(made, _whole(value))
    return lambda value: _problem(made, value)


def schema_problem(schema: str, version: str, *, needs_type: bool = False) -> str:
    """Return what is wrong with a schema; nothing when it is one."""
    try:
        validator(schema, version)
    except (ValueError, TypeError) as error:
        return str(error)
    if needs_type and "type" not in orjson.loads(schema):
        return "the schema must have a type"
    return ""


def lua_match() -> Match:
    """Return what tells whether a text matches a Lua pattern; it runs in the sandbox."""
    made: list[tuple[LuaSandbox, Any]] = []

    def match(text: str, pattern: str) -> bool:
        if not made:
            sandbox = LuaSandbox((), _no_calls)
            made.append((sandbox, sandbox.compile("local t, p = ... return t:find(p) ~= nil")))
        sandbox, find = made[0]
        try:
            return bool(sandbox.run(find, text.encode(), pattern.encode()))
        except (NotLua, *FAILURES) as error:
            raise ValueError(str(error).partition("\n")[0]) from None

    return match


def _no_calls(name: bytes, *_: Any) -> Any:
    raise ValueError("nothing to call")


def _problem(made: Any, value: Any) -> str:
    try:
        made.validate(value)
    except jsonschema_rs.ValidationError as error:
        place = "".join(f"[{step}]" for step in error.instance_path)
        return f"{place}: {error.message}"[:_MOST_TEXT] if place else error.message[:_MOST_TEXT]
    except ValueError as error:
        # The validator's own bound on nesting.
        return _first_line(error)
    return ""


def _whole(value: Any) -> Any:
    """Return a value with 1.0 as 1: Lua has one kind of number, so Kong's draft 4 takes both.

    Later drafts say so themselves (JSON Schema draft 6, section 4.2.1).
    """
    if isinstance(value, float):
        return whole(value)
    if isinstance(value, dict):
        return {name: _whole(member) for name, member in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


def _nowhere(address: str) -> Any:
    raise ValueError(f"references to other documents are not followed: {address}")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:_MOST_TEXT]


def _with_list_lengths(schema: Any) -> Any:
    """Return a schema in which minLength and maxLength count items of lists as well."""
    if isinstance(schema, list):
        return [_with_list_lengths(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _with_list_lengths(value) for name, value in schema.items()}
    if found.get("type") == "array":
        for length, items in (("minLength", "minItems"), ("maxLength", "maxItems")):
            if isinstance(found.get(length), int) and items not in found:
                found[items] = found[length]
    return found
