# SPDX-License-Identifier: Apache-2.0
"""Conditions of plugins, in CEL: whether a plugin runs for a request.

The fields and ``default()`` of Kong's pages "Conditional expressions for plugins" and "CEL
expressions for plugins" (3.15). Compiled by Google's own implementation, which checks types and
names, matches patterns in linear time, and ends an evaluation that goes on for too long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gateway.errors import ConditionFailed

LONGEST = 1024
"""Characters of a condition at most, as in Kong."""
EXEMPT = frozenset(("pre-function", "post-function"))
"""Plugins that have no condition in Kong either."""
MAPS = ("http.headers", "http.queries")
"""Fields whose members are null where a request has none of that name."""

FIELDS: Mapping[str, str] = {
    "http.method": "string",
    "http.host": "string",
    "http.path": "string",
    "http.path_segments": "list",
    "http.headers": "map",
    "http.queries": "map",
    "net.src.ip": "string",
    "net.src.port": "int",
    "net.dst.ip": "string",
    "net.dst.port": "int",
    "consumer.id": "any",
    "consumer.username": "any",
    "consumer.custom_id": "any",
    "route.id": "any",
    "route.name": "any",
    "service.id": "any",
    "service.name": "any",
    "kong.ctx.shared": "map",
}
"""What an expression may name, and its type; ``any`` may be null."""

_STRING = re.compile(
    r"""[rRbB]{0,2}(?:\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''"""
    r"""|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')""",
    re.DOTALL,
)
_MEMBER = re.compile(r"\s*\.\s*([A-Za-z_]\w*)(\s*\()?")
_INDEX = re.compile(r"\s*\[\s*(\"_*\"|'_*')\s*\]")
_HAS = re.compile(
    r"\bhas\s*(\(\s*(?:http\s*\.\s*(?:headers|queries)|consumer|route|service)\s*\.\s*\w+\s*\))"
)
_DEFAULT = re.compile(r"\s*default\s*\((.*),\s*(true|false)\s*\)\s*", re.DOTALL)
_PLACE = re.compile(r"<input>:(\d+):(\d+): (.*)")
_PATTERN = re.compile(r"\bmatches\s*\(\s*(\"_*\"|'_*')\s*\)")


@dataclass(frozen=True, slots=True)
class CompiledCondition:
    """``fields``: those it names. ``members``: of ``MAPS``, by field; None: all there are."""

    text: str
    fields: tuple[str, ...]
    members: Mapping[str, tuple[str, ...] | None]
    _evaluate: Callable[..., Any]
    _otherwise: bool | None

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Return what the condition says, given a value for each of its fields.

        Raises ``ConditionFailed`` where it says nothing, unless the whole is in ``default()``.
        """
        try:
            value: object = self._evaluate(data=values).plain_value()
        except Exception as error:
            value = error
        if isinstance(value, bool):
            return value
        if self._otherwise is not None:
            return self._otherwise
        raise ConditionFailed(f"the condition is neither true nor false: {str(value)[:200]}")


@lru_cache(maxsize=4096)
def compile_condition(text: str) -> CompiledCondition:
    """Return a condition that can be evaluated; raises ``ValueError`` with place and problem."""
    if len(text) > LONGEST:
        raise ValueError(f"it has {len(text)} characters; write {LONGEST} at most")
    blank = _STRING.sub(_blanked, text)
    source, otherwise = text, None
    whole = _DEFAULT.fullmatch(blank)
    if whole is not None and _is_balanced(whole[1]):
        begin, end = whole.span(1)
        # Spaces in place of what is cut off: places stay those of the text.
        source, otherwise = " " * begin + text[begin:end], whole[2] == "true"
        blank = " " * begin + blank[begin:end]
    expression = _compiled(source)
    for pattern in _PATTERN.finditer(blank):
        _check_pattern(source[slice(*pattern.span(1))], source.count("\n", 0, pattern.start()) + 1)
    fields = tuple(name for name in FIELDS if _use_of(name).search(blank))
    members = {name: _members(source, blank, name) for name in MAPS if name in fields}
    plain = _without_has(source, blank)
    if plain != source:
        expression = _compiled(plain)
    return CompiledCondition(text, fields, members, expression.eval, otherwise)


def condition_problem(text: str) -> str | None:
    """Return what is wrong with a condition, with its place; None for a good one."""
    try:
        compile_condition(text)
    except ValueError as error:
        return str(error)
    return None


def _blanked(found: re.Match[str]) -> str:
    """Return a string without what is in it, as long as it was."""
    text = found[0]
    quote = text[-1]
    return quote + "".join("\n" if one == "\n" else "_" for one in text[1:-1]) + quote


def _is_balanced(text: str) -> bool:
    depth = 0
    for one in text:
        depth += (one in "([{") - (one in ")]}")
        if depth < 0:
            return False
    return depth == 0


@lru_cache(maxsize=64)
def _use_of(name: str) -> re.Pattern[str]:
    words = r"\s*\.\s*".join(map(re.escape, name.split(".")))
    return re.compile(rf"(?<![\w.]){words}\b")


def _members(source: str, blank: str, name: str) -> tuple[str, ...] | None:
    """Return the names of a map's members that are asked for; None where it is used as a whole."""
    found: dict[str, None] = {}
    for use in _use_of(name).finditer(blank):
        member, index = _MEMBER.match(blank, use.end()), _INDEX.match(blank, use.end())
        key = "\\" if index is None else source[slice(*index.span(1))][1:-1]
        if member is not None and member[2] is None:
            found[member[1]] = None
        elif "\\" not in key:
            found[key] = None
        else:
            return None
    return tuple(found)


def _without_has(source: str, blank: str) -> str:
    """Have ``has`` of what may be null ask whether it is: it is there, as a null, in any case."""
    pieces, end = [], 0
    for has in _HAS.finditer(blank):
        pieces += [source[end : has.start()], f"({source[slice(*has.span(1))]} != null)"]
        end = has.end()
    return "".join([*pieces, source[end:]])


def _check_pattern(literal: str, line: int) -> None:
    value = _compiled(f'"".matches({literal})').eval(data={}).plain_value()
    if not isinstance(value, bool):
        raise ValueError(f"line {line}: {str(value).partition(': ')[2]}")


@lru_cache(maxsize=1)
def _environment() -> Any:
    # Late: docs/decisions/imports-inside-functions.md
    from cel_expr_python import cel

    kinds = {
        "string": cel.Type.STRING,
        "int": cel.Type.INT,
        "any": cel.Type.DYN,
        "list": cel.Type.List(cel.Type.STRING),
        "map": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
    }
    return cel.NewEnv(variables={name: kinds[kind] for name, kind in FIELDS.items()}), cel.Type


def _compiled(source: str) -> Any:
    environment, kinds = _environment()
    try:
        expression = environment.compile(source)
    except RuntimeError as error:
        raise ValueError(_explained(str(error))) from None
    kind = expression.return_type()
    if kind not in (kinds.BOOL, kinds.DYN):
        raise ValueError(f"it is of type {kind.name().lower()}; write what is true or false")
    return expression


def _explained(text: str) -> str:
    place = _PLACE.search(text)
    if place is None:
        return text.partition("\n")[0]
    problem = place[3].partition(" expecting {")[0].replace(" (in container '')", "")
    if "'default'" in problem:
        problem += "; default() is for the whole condition: default(…, false)"
    elif "undeclared reference" in problem:
        problem += f"; fields are {', '.join(FIELDS)}"
    return f"line {place[1]}, column {place[2]}: {problem}"
