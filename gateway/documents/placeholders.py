# SPDX-License-Identifier: Apache-2.0
"""Placeholders in decK files: ours, ``${kafka.topics.x}``, and decK's ``${{ env "DECK_X" }}``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gateway.documents.tree import CHILDREN
from gateway.entities import ENTITIES
from gateway.errors import DocumentError
from gateway.names.property_paths import entity_path, render_path
from gateway.names.spelling import nearest

UNKNOWN = "${"
"""In the checked copy of a document every string with this in it stands for a value to come."""

_OURS = re.compile(r"\$\{([^{}]*)\}")
_DECK = re.compile(r"\$\{\{(.*?)\}\}")
_CALL = re.compile(r'\s*env\s+"([^"]*)"\s*(?:\|\s*(?:indent\s+(?P<spaces>\d{1,3})|(\w+))\s*)?')
_CASTS = ("toInt", "toFloat", "toBool")

BOOTSTRAP_SERVERS, TOPICS, STACK_NAME = "kafka.bootstrap_servers", "kafka.topics.", "stack.name"
SCHEMA_REGISTRY = "kafka.schema_registry"
"""All placeholders that there are; a topic's name stands behind the second. The last is there where
the stack has a registry."""
NAMES = (BOOTSTRAP_SERVERS, f"{TOPICS}<name>", STACK_NAME, SCHEMA_REGISTRY)


class StandIns(Mapping[str, Any]):
    """A value for every placeholder there is, so that a file can be checked without its stack."""

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(name)
        # What is no plain data is not checked.
        known_later = name in (BOOTSTRAP_SERVERS, SCHEMA_REGISTRY)
        return object() if known_later else name.removeprefix(TOPICS)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in NAMES or name.startswith(TOPICS))

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


def fill_in(document: Any, values: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the document with all placeholders filled in, and a copy to check.

    A placeholder that is the whole value keeps the type of what it stands for; inside a longer
    text it must stand for a string. In the copy only plain data is filled in, the rest stays a
    placeholder. Raises ``DocumentError`` naming each unknown placeholder with its path.
    """
    filler = _Filler(values)
    pair = filler.fill(document, ())
    if filler.problems:
        raise DocumentError(filler.problems)
    return pair


class _Filler:
    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self.problems: list[str] = []

    def fill(self, value: Any, location: tuple[str | int, ...]) -> tuple[Any, Any]:
        if isinstance(value, str):
            return self._text(value, location)
        if isinstance(value, dict):
            filled = {k: self.fill(v, (*location, str(k))) for k, v in value.items()}
            return {k: v[0] for k, v in filled.items()}, {k: v[1] for k, v in filled.items()}
        if isinstance(value, list):
            items = [self.fill(item, (*location, i)) for i, item in enumerate(value)]
            return [item[0] for item in items], [item[1] for item in items]
        return value, value

    def _text(self, text: str, location: tuple[str | int, ...]) -> tuple[Any, Any]:
        if UNKNOWN not in text:
            return text, text
        whole = _OURS.fullmatch(text)
        if whole is not None:
            known, value = self._look_up(whole[1], location)
            return (value, value if _is_plain(value) else text) if known else (text, text)
        filled = _OURS.sub(lambda found: self._part(found, location), text)
        return filled, filled

    def _part(self, found: re.Match[str], location: tuple[str | int, ...]) -> str:
        known, value = self._look_up(found[1], location)
        if not known:
            return found[0]
        if not isinstance(value, str):
            where = document_path(location)
            text = "stands for no text, so it must be the whole value"
            self.problems.append(f"{where}: {found[0]} {text}")
            return found[0]
        return value

    def _look_up(self, name: str, location: tuple[str | int, ...]) -> tuple[bool, Any]:
        name = name.strip()
        if name in self._values:
            return True, self._values[name]
        names = sorted(self._values)
        allowed = ", ".join(f"${{{known}}}" for known in names or NAMES)
        guess = nearest(name, names)
        advice = f"{guess} allowed: {allowed}" if guess else f"allowed: {allowed}"
        where = document_path(location)
        self.problems.append(f"{where}: unknown placeholder ${{{name}}}; {advice}")
        return False, None


def document_path(location: tuple[str | int, ...]) -> str:
    """Render a location in a keyed document: ``services["a"].routes["b"].paths[0]``."""
    path, rest = "", list(location)
    allowed: Any = ENTITIES
    while len(rest) >= 2 and rest[0] in allowed:
        collection, key, *rest = rest
        path = entity_path(path, str(collection), str(key))
        allowed = CHILDREN[str(collection)]
    return render_path(tuple(rest), path)


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_plain(item) for item in value.values())
    if isinstance(value, list):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, (str, int, float, bool))


def render_environment(text: str, environment: Mapping[str, str] | None) -> str:
    """Fill in decK's own ``${{ env "DECK_X" }}``, also with ``| toInt`` and its like.

    Comment lines stay as they are. Raises ``DocumentError`` with the line of each problem.
    """
    problems: list[str] = []
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if "${{" in line and not line.lstrip().startswith("#"):
            lines[number] = _DECK.sub(
                lambda found, at=number: _render(found[1], environment, at + 1, problems),  # type: ignore[misc]
                line,
            )
    if problems:
        raise DocumentError(problems)
    return "\n".join(lines)


def set_aside(text: str) -> tuple[str, Callable[[str], str]]:
    """Return a text with a word for each of decK's expressions, and what puts these back."""
    expressions: list[str] = []
    mark = "deck-expression"
    while mark in text:
        mark += "-x"

    def word(found: re.Match[str]) -> str:
        expressions.append(found[0])
        return f"{mark}-{len(expressions)}-"

    def put_back(written: str) -> str:
        pattern = re.compile(re.escape(mark) + r"-([0-9]+)-")
        return pattern.sub(lambda found: expressions[int(found[1]) - 1], written)

    return _DECK.sub(word, text), put_back


def _render(
    expression: str, environment: Mapping[str, str] | None, line: int, problems: list[str]
) -> str:
    call = _CALL.fullmatch(expression)
    if call is None or (call[3] is not None and call[3] not in _CASTS):
        allowed = 'allowed: env "DECK_…", optionally followed by | ' + " or | ".join(
            [*_CASTS, "indent N"]
        )
        problems.append(f"line {line}: unknown expression {expression.strip()}; {allowed}")
    elif not call[1].startswith("DECK_"):
        problems.append(f'line {line}: "{call[1]}": the name must begin with DECK_')
    elif environment is None or call[1] not in environment:
        problems.append(f"line {line}: the environment variable {call[1]} is not set")
    else:
        value = environment[call[1]]
        if call["spaces"]:
            # For lines in a block: all but the first, which stands where the expression stood.
            return value.replace("\n", "\n" + " " * int(call["spaces"]))
        return value if call[3] or _is_word(value) else json.dumps(value, ensure_ascii=False)[1:-1]
    return ""


def _is_word(value: str) -> bool:
    return re.fullmatch(r"[\w./:@-]*", value) is not None
