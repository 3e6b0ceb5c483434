# SPDX-License-Identifier: Apache-2.0
"""Several decK files read as one: files, folders, and what a pipe brings.

As decK merges them (``pkg/file/readfile.go`` of go-database-reconciler): lists are appended, and
what the header says once must be said alike everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.documents.deck import checked_format, naming
from gateway.documents.deck_lists import keyed, positions_of_unnamed
from gateway.documents.document import check_document
from gateway.documents.origins import FileOrigins
from gateway.documents.placeholders import document_path, render_environment, set_aside
from gateway.documents.yaml_text import load_yaml, write_yaml
from gateway.entities import ENTITIES
from gateway.entities.checks import Table
from gateway.errors import DocumentError

PIPE = "-"
"""In place of a file: what comes in by standard input."""
LARGEST_FILE = 64 * 1024 * 1024
"""Bytes; the Admin API takes no larger document."""
_ENDINGS = frozenset((".yaml", ".yml", ".json"))
_OF_A_STACK = re.compile(r"\$\{\s*(?:kafka|stack)\.[^{}]*\}")
_SAME = ("_format_version", "_workspace", "_konnect", "_transform")


@dataclass(frozen=True)
class DeckFiles:
    """What several decK files say together."""

    source: str
    """Which files, for errors."""
    document: dict[str, Any]
    """Their entities, keyed by name."""
    table: Table
    """The same as flat rows, defaults filled in."""
    select_tags: tuple[str, ...] = ()


def read_files(
    sources: Sequence[str],
    environment: Mapping[str, str],
    pipe: Callable[[], bytes],
    select_tags: Sequence[str] = (),
) -> DeckFiles:
    """Read and check decK files, folders of such, and ``-``; ``environment`` fills in templates.

    Every entity gets the select tags, which are given here or by the files.
    Raises ``DocumentError`` with every problem, each with the file it is in.
    """
    names = [name for source in sources for name in _files(source)]
    merged: dict[str, Any] = {}
    origins = FileOrigins()
    problems: list[str] = []
    said: dict[str, tuple[str, Any]] = {}
    empty = True
    for name in names:
        try:
            with naming(name):
                raw = load_yaml(render_environment(_text(name, pipe), environment))
                empty = empty and not raw
                problems += [f"{name}: {text}" for text in _contradictions(said, name, raw)]
                checked = checked_format(raw)
                problems += [f"{name}: {text}" for text in _no_lists(checked)]
                origins.note(name, checked)
                _append(merged, checked)
        except DocumentError as error:
            problems += [f"{name}: {problem}" for problem in error.problems]
    if problems:
        raise DocumentError(problems)
    source = ", ".join(names)
    if empty:
        # As of a program that failed: it would take away all that its owner has.
        text = 'holds nothing; a file without entities says so: _format_version: "3.0"'
        raise DocumentError([f"{source}: {text}"])
    try:
        tags = _select(merged, select_tags)
        document = keyed(merged)
        with positions_of_unnamed(document):
            _refuse_placeholders(document)
            table = check_document(document)
    except DocumentError as error:
        raise origins.named(error.problems) from error
    return DeckFiles(source, document, table, tags)


def _refuse_placeholders(document: Mapping[str, Any]) -> None:
    """Raise ``DocumentError`` for what only a stack can fill in; any other ``${…}`` is a text."""
    problems: list[str] = []

    def look(value: Any, location: tuple[str | int, ...]) -> None:
        if isinstance(value, dict):
            for name, one in value.items():
                look(one, (*location, name))
        elif isinstance(value, list):
            for place, one in enumerate(value):
                look(one, (*location, place))
        elif isinstance(value, str):
            for found in _OF_A_STACK.findall(value):
                text = f"{found} is filled in by a stack; write its value, or publish it with that"
                problems.append(f"{document_path(location)}: {text}")

    look(document, ())
    if problems:
        raise DocumentError(problems)


def _select(merged: dict[str, Any], given: Sequence[str]) -> tuple[str, ...]:
    """Return the select tags, and let the merged file say them."""
    info = merged.get("_info") or {}
    tags = info.get("select_tags") or [] if isinstance(info, dict) else None
    if not isinstance(tags, list) or not all(isinstance(one, str) for one in tags):
        raise DocumentError(["_info.select_tags: expected a list of texts"])
    if given and tags and set(given) != set(tags):
        text = f"the files have {', '.join(tags)}, and asked for are {', '.join(given)}"
        raise DocumentError([f"_info.select_tags: {text}; they must be the same"])
    found = tuple(dict.fromkeys([*tags, *given]))
    if found:
        merged["_info"] = {**info, "select_tags": list(found)}
    return found


def converted(source: str, pipe: Callable[[], bytes]) -> str:
    """Return a decK file of any format as one in 3.0; its templates stay.

    Paths get today's form, ``service_packages`` become services. Raises ``DocumentError``.
    """
    with naming(source):
        text, put_back = set_aside(_text(source, pipe))
        raw = checked_format(load_yaml(text))
    return put_back(write_yaml({"_format_version": "3.0", **raw}))


def _files(source: str) -> list[str]:
    """Return the files that a word of the command line means, in the order of their names."""
    path = Path(source)
    if source == PIPE or not path.is_dir():
        return [source]
    found = sorted(str(one) for one in path.rglob("*") if one.suffix in _ENDINGS and one.is_file())
    if not found:
        raise DocumentError(["has no file that ends in .yaml, .yml or .json"], source)
    return found


def _text(name: str, pipe: Callable[[], bytes]) -> str:
    if name == PIPE:
        content = pipe()
    else:
        with Path(name).open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise DocumentError([f"has more than {LARGEST_FILE // 1024**2} MiB; split it up"])
    return content.decode("utf-8-sig")


def _contradictions(
    said: dict[str, tuple[str, Any]], name: str, raw: Mapping[str, Any]
) -> list[str]:
    """Note what a file's header says, and return where another file says otherwise."""
    info = raw.get("_info")
    header = {key: raw[key] for key in _SAME if key in raw}
    if isinstance(info, dict) and "select_tags" in info:
        header["_info.select_tags"] = info["select_tags"]
    problems = []
    for key, value in header.items():
        other, before = said.setdefault(key, (name, value))
        if before != value:
            problems.append(f"{key}: {value} here, and {before} in {other}; they must be the same")
    return problems


def _no_lists(raw: Mapping[str, Any]) -> Iterator[str]:
    """Yield where a file has something else than the list that others' is appended to."""
    for key, value in raw.items():
        if key in ENTITIES and value is not None and not isinstance(value, list):
            yield f"{key}: expected a list of entities"


def _append(merged: dict[str, Any], raw: Mapping[str, Any]) -> None:
    """Merge a file in: lists appended, maps by their names; the first that says a value wins."""
    for key, value in raw.items():
        given = merged.get(key)
        if isinstance(given, list) and isinstance(value, list):
            tags = key == "select_tags"
            merged[key] = given + [one for one in value if not (tags and one in given)]
        elif isinstance(given, dict) and isinstance(value, dict):
            _append(given, value)
        elif given is None:
            merged[key] = value
