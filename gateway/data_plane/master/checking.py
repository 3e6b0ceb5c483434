# SPDX-License-Identifier: Apache-2.0
"""Checking a pushed configuration with the entity models, before any worker compiles it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.entities import ENTITIES
from gateway.entities.checks import check_table, row_label
from gateway.entities.validation import examine
from gateway.errors import DocumentError, ReleaseRefused

_MOST = 50
"""Problems that are reported one by one; what sends thousands has one cause."""


def check_rows(rows: Mapping[str, list[dict[str, Any]]]) -> None:
    """Check every row and the rows among each other. Raises ``ReleaseRefused``."""
    problems: list[str] = []
    checked: dict[str, list[dict[str, Any]]] = {}
    for collection, items in rows.items():
        entity = ENTITIES.get(collection)
        if entity is None:
            problems.append(f"{collection}: unknown collection; allowed: {', '.join(ENTITIES)}")
            continue
        checked[collection] = []
        for row in items:
            complete, wrong = examine(entity, row)
            label = row_label(entity, {"id": "without id", **row})
            problems += [problem.sentence(label) for problem in wrong]
            if complete is not None:
                checked[collection].append(complete)
    if not problems:
        try:
            check_table(checked)
        except DocumentError as error:
            problems = error.problems
    if problems:
        more = len(problems) - _MOST
        rest = [f"and {more} more problems"] if more > 0 else []
        raise ReleaseRefused(problems[:_MOST] + rest)
