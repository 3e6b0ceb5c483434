# SPDX-License-Identifier: Apache-2.0
"""Keyed documents as the provider shows them: differences, problems, what a refresh takes over."""

from __future__ import annotations

import copy
import re
from typing import Any

from gateway.documents.diff import diff_documents, normalise
from gateway.entities import ENTITIES
from gateway.errors import DocumentError
from gateway.names.property_paths import PropertyPath, parse_path, split_problem, value_at
from provider.diff import Kind
from provider.fields import Problem
from provider.values import Properties

# Names of fields whose values are not repeated in any text.
_PRIVATE = re.compile(r"pass|secret|token|key|cert|user|client_id|header", re.IGNORECASE)
_PLAIN = (str, int, float, bool, type(None))
_URL_PARTS = ("protocol", "host", "port", "path")


def describe_drift(path: str, live: Any, wanted: Any) -> str:
    """The path, with the live value where it is a plain one and no secret."""
    steps = parse_path(path)[1:]
    live_value = value_at(live, steps)
    values_are_plain = isinstance(live_value, _PLAIN) and isinstance(
        value_at(wanted, steps), _PLAIN
    )
    shown = values_are_plain and not _PRIVATE.search(str(steps[-1]))
    return f"{path} ({live_value!r} there)" if shown else path


def shown_kind(path: str, kind: Kind, news: Properties) -> Kind:
    """The kind as the engine's display needs it: it shows values of the program only."""
    return kind if value_at(news, parse_path(path)) is not None else "delete"


def is_specified(path: str, news: Properties) -> bool:
    """Whether the program sets a value at ``path``, or a whole entity is left over there.

    For control planes with other defaults than ours: they decide what the program leaves out.
    """
    steps = parse_path(path)
    if steps[-1] in _URL_PARTS:
        steps = (*steps[:-1], "url") if value_at(news, (*steps[:-1], "url")) is not None else steps
    return value_at(news, steps) is not None or (len(steps) > 2 and steps[-2] in ENTITIES)


def differences(old: Any, new: Any, owner: str) -> dict[str, Any]:
    """Changes from one document to the other, by property path below ``document``."""
    try:
        changes = diff_documents(old, new, owner)
    except DocumentError:
        return {"document": "update"} if old != new else {}
    return {f"document.{path}": kind for path, kind in changes.items()}


def with_defaults(document: Any, owner: str) -> Any:
    """The document with the defaults in force; one of the wrong structure as it is."""
    try:
        return normalise(document, owner)
    except DocumentError:
        return document


def refreshed(recorded: Any, live: dict[str, Any], owner: str) -> Any:
    """The recorded document with what differs taken from the live one."""
    fresh = copy.deepcopy(recorded)
    for text_path in diff_documents(recorded, live, owner):
        path = parse_path(text_path)
        value = value_at(live, path)
        _split_url(fresh, live, path)
        _put(fresh, path, value)
    return fresh


def _split_url(document: Any, live: dict[str, Any], path: PropertyPath) -> None:
    holder = value_at(document, path[:-1])
    if path[-1] in _URL_PARTS and isinstance(holder, dict) and holder.pop("url", None) is not None:
        current = value_at(live, path[:-1])
        holder.update({name: current[name] for name in _URL_PARTS if current.get(name) is not None})


def _put(document: Any, path: PropertyPath, value: Any) -> None:
    holder = document
    for place, step in enumerate(path[:-1]):
        below = value_at(holder, (step,))
        if not isinstance(below, (dict, list)):
            if not isinstance(holder, dict):
                return
            below = holder[step] = [] if isinstance(path[place + 1], int) else {}
        holder = below
    last = path[-1]
    if isinstance(holder, list) and isinstance(last, int):
        holder[last : last + 1] = [] if value is None else [value]
    elif isinstance(holder, dict) and value is None:
        holder.pop(last, None)
    elif isinstance(holder, dict):
        holder[last] = value


def problem_at(sentence: str) -> Problem:
    """Split a problem of a document into property path and sentence."""
    path, text = split_problem(sentence)
    return f"document.{path}" if path else "document", text
