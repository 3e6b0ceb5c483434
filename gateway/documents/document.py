# SPDX-License-Identifier: Apache-2.0
"""Keyed documents: check them, and turn them into flat configurations and back.

This is what the Pulumi program and the publishing call speak; see ``gateway.documents.tree`` for
the form. A flat configuration (``Table``) is what releases hold and data planes get.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.documents.known_rows import KnownRows, complete_row
from gateway.documents.tree import (
    CHILDREN,
    DocumentNode,
    Tree,
    contains,
    nest,
    own_tags,
    owner_tag,
    with_linked_ids,
)
from gateway.entities import ENTITIES, Row
from gateway.entities.checks import Table, table_problems
from gateway.entities.credentials import unused_secrets
from gateway.entities.problems import Problem
from gateway.entities.validation import shape_for
from gateway.errors import DocumentError
from gateway.names.spelling import choices

Document = Mapping[str, Any]


def check_document(document: Document, unknown: object | None = None) -> Table:
    """Check a keyed document as a whole; raises ``DocumentError`` with all problems.

    Returns its flat rows, without those in which something is not known yet.

    ``unknown`` is the value that stands for what is not known yet (Pulumi's sentinel at preview);
    a string that contains it, or a value that is it, is accepted wherever a value may stand.
    """
    return _read(document, "", 0, unknown)


def to_table(
    document: Document,
    owner: str,
    now: int,
    previous: Table | None = None,
    known: KnownRows | None = None,
) -> Table:
    """Turn a document into rows that carry the owner's tag; raises ``DocumentError``.

    ``now`` is in seconds since 1970. Rows that stand unchanged in ``previous`` keep their times,
    changed ones their time of creation, so that an unchanged document has an unchanged hash.
    Entities that are in ``known`` are not checked again in themselves.
    """
    table = _read(document, owner, now, None, known)
    if previous is not None:
        for collection, rows in table.items():
            before = {row["id"]: row for row in previous.get(collection, ())}
            for row in rows:
                keep_times(row, before.get(row["id"]))
    return table


def from_table(table: Table, owner: str) -> dict[str, Any]:
    """Return the live document of an owner, with all fields and their defaults.

    Ids are only in it where they do not follow from the path; times and our tags are left out.
    """
    tag = owner_tag(owner)
    rows = [
        (ENTITIES[collection], row)
        for collection in ENTITIES
        for row in table.get(collection, ())
        if tag in (row.get("tags") or ())
    ]
    return nest(rows, owner)


def keep_times(row: Row, before: Row | None) -> None:
    """Give a row the times of the row it replaces: both when nothing else differs."""
    if before is None:
        return
    row["created_at"] = before["created_at"]
    if all(row[name] == before.get(name) for name in row if name != "updated_at"):
        row["updated_at"] = before["updated_at"]


def _read(
    document: Document,
    owner: str,
    now: int,
    unknown: object | None,
    rows: KnownRows | None = None,
) -> Table:
    complete = complete_row if rows is None else rows.complete
    tree = Tree(document, owner, unknown)
    problems = list(tree.problems)
    table: Table = {}
    paths: dict[int, str] = {}
    for node in tree.nodes:
        row, wrong = complete(node.entity, _data(node, owner, now))
        wrong = [_with_children(item, node) for item in wrong] + _missing_secrets(node)
        problems += [item.sentence(node.path) for item in wrong if not _excused(item, unknown)]
        if row is not None:
            table.setdefault(node.entity.collection, []).append(row)
            paths[id(row)] = node.path
    known = {node.id for node in tree.nodes}
    problems += table_problems(table, lambda _, row: paths[id(row)], known, unknown)
    if rows is not None:
        rows.finish(is_right=not problems)
    if problems:
        raise DocumentError(problems)
    return table


def _data(node: DocumentNode, owner: str, now: int) -> dict[str, Any]:
    data = dict(node.data)
    data["id"] = node.id
    data["created_at"] = data["updated_at"] = now
    data |= {name: parent.id for name, parent in node.parents.items()}
    data = with_linked_ids(node, data)
    for name in unused_secrets(node.entity.collection, data):
        if data.get(name) is None:
            # One that is made up would differ at every publish.
            data[name] = ""
    tags = data.get("tags")
    if tags is None or isinstance(tags, list):
        data["tags"] = sorted({*map(str, tags or ()), *own_tags(owner, node)})
    return data


def _with_children(problem: Problem, node: DocumentNode) -> Problem:
    """Let the advice for a misspelt field also know what may be nested in the entity."""
    inner = CHILDREN[node.entity.collection]
    if not problem.misspelt or len(problem.location) != 1 or not inner:
        return problem
    fields = shape_for(node.entity, node.data).fields or {}
    return replace(problem, advice=choices(problem.location[0], [*fields, *inner]))


def _missing_secrets(node: DocumentNode) -> list[Problem]:
    """Refuse credentials without their secret: one made up here would differ at every publish."""
    return [
        Problem((name,), "required field missing", "a document must say it", absent=True)
        for name in node.entity.made_up
        if node.data.get(name) is None
        and name not in unused_secrets(node.entity.collection, node.data)
    ]


def _excused(problem: Problem, unknown: object | None) -> bool:
    if problem.misspelt or problem.absent:
        return False
    return contains(problem.input, unknown)
