# SPDX-License-Identifier: Apache-2.0
"""Checks over a whole configuration: references, uniqueness, certificates that match their keys."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from gateway.entities import ENTITIES, EntityType, Row
from gateway.entities.base import listed_ids
from gateway.entities.credentials import SECRETS
from gateway.entities.expansion import by_id, expansion_problems
from gateway.entities.partial_links import linked_ids
from gateway.entities.types import is_reference
from gateway.errors import DocumentError
from gateway.names.property_paths import entity_path

Table = dict[str, list[Row]]
"""A flat configuration: collection to rows."""

Label = Callable[[EntityType, Row], str]


def check_table(table: Table) -> None:
    """Check a flat configuration as a whole; raises ``DocumentError`` with all problems.

    Rows are taken as valid in themselves (``validate_row``).
    """
    problems = [
        f"{collection}: unknown collection; allowed: {', '.join(ENTITIES)}"
        for collection in table
        if collection not in ENTITIES
    ]
    problems += table_problems(table, row_label, None, None)
    if problems:
        raise DocumentError(problems)


def row_label(entity: EntityType, row: Row) -> str:
    """Name a row for people: ``routes["name"]``, or by id when it has no name."""
    return entity_path("", entity.collection, row_name(entity, row) or str(row["id"]))


def row_name(entity: EntityType, row: Row) -> str:
    """Return what people call a row; empty when it has no name. A credential's key is none."""
    field = None if entity.secret_key else entity.endpoint_key
    name = None if field is None else row.get(field)
    return str(name or row.get("name") or "")


def table_problems(
    table: Table, label: Label, known: Collection[str] | None, unknown: object | None
) -> list[str]:
    """Return everything that is wrong between rows, as sentences that start with their labels.

    ``known`` lists the ids of a document that is only a part of the configuration: references to
    ids outside of it are then left to the check of the whole. Values that contain ``unknown``
    are not compared.
    """
    problems: list[str] = []
    for collection, rows in table.items():
        entity = ENTITIES.get(collection)
        if entity is None:
            continue
        problems += _unique_problems(entity, rows, label, unknown)
        if known is None:
            problems += _reference_problems(entity, rows, table, label)
            if collection == "plugins":
                problems += _client_certificate_problems(entity, rows, table, label)
                problems += _partial_problems(entity, rows, table, label)
        if collection == "certificates":
            problems += _pair_problems(entity, rows, label, unknown)
    return problems


def _unique_problems(
    entity: EntityType, rows: list[Row], label: Label, unknown: object | None
) -> list[str]:
    problems = []
    reported: set[int] = set()
    # Ids last: entities of the same name often have the same derived id, which helps less.
    for group in (*entity.unique, ("id",)):
        seen: dict[Any, Row] = {}
        for row in rows:
            value = unique_value(row, group)
            if value is None or _is_unknown(value, unknown):
                continue
            first = seen.setdefault(value, row)
            if first is not row and id(row) not in reported:
                reported.add(id(row))
                same = ", ".join(_named(n, v) for n, v in zip(group, value, strict=True) if v)
                where, other = label(entity, row), label(entity, first)
                problems.append(f"{where}: UNIQUE violation: {other} has the same {same}")
    return problems


def _named(name: str, value: Any) -> str:
    return name if name in SECRETS else f'{name} "{value}"'


def unique_value(row: Row, group: tuple[str, ...]) -> tuple[Any, ...] | None:
    """Return what no other row may have in these fields; None when the first is null.

    Null in another is a value: for plugins it means "for all".
    """
    value = tuple(row.get(name) for name in group)
    return None if value[0] is None else value


def _is_unknown(value: tuple[Any, ...], unknown: object | None) -> bool:
    return isinstance(unknown, str) and any(isinstance(v, str) and unknown in v for v in value)


def _reference_problems(
    entity: EntityType, rows: list[Row], table: Table, label: Label
) -> list[str]:
    problems = []
    for name, collection in entity.foreign.items():
        ids = {row["id"] for row in table.get(collection, ())}
        for row in rows:
            value = row.get(name)
            if value is not None and value not in ids:
                problems.append(
                    f"{label(entity, row)}.{name}: the foreign key '{{id=\"{value}\"}}' does not "
                    f"reference an existing '{collection}' entity"
                )
    for name, collection in entity.foreign_lists.items():
        ids = {row["id"] for row in table.get(collection, ())}
        for row in rows:
            problems += [
                f'{label(entity, row)}.{name}: "{value}" is not the id of one of the {collection}'
                for value in listed_ids(row.get(name))
                if value not in ids
            ]
    return problems


def _partial_problems(entity: EntityType, rows: list[Row], table: Table, label: Label) -> list[str]:
    """Plugins must be right with what their partials say."""
    partials = by_id(table.get("partials", ()))
    return [
        problem.sentence(label(entity, row))
        for row in rows
        if row.get("partials") and partials.keys() >= set(linked_ids(row))
        for problem in expansion_problems(row, partials)
    ]


def _client_certificate_problems(
    entity: EntityType, rows: list[Row], table: Table, label: Label
) -> list[str]:
    """Kafka plugins name the certificate they show to brokers by its id."""
    ids = {row["id"] for row in table.get("certificates", ())}
    problems = []
    for row in rows:
        security = row["config"].get("security")
        value = security.get("certificate_id") if isinstance(security, dict) else None
        if value is not None and not is_reference(value) and value not in ids:
            where = f"{label(entity, row)}.config.security.certificate_id"
            problems.append(f'{where}: "{value}" is not the id of one of the certificates')
    return problems


def _pair_problems(
    entity: EntityType, rows: list[Row], label: Label, unknown: object | None
) -> list[str]:
    problems = []
    for row in rows:
        for cert, key in (("cert", "key"), ("cert_alt", "key_alt")):
            pair = row.get(cert), row.get(key)
            if not all(isinstance(text, str) and not is_reference(text) for text in pair):
                continue
            if isinstance(unknown, str) and any(unknown in str(text) for text in pair):
                continue
            # Late: docs/decisions/imports-inside-functions.md
            from gateway.entities.pem import check_pair

            text = check_pair(str(pair[0]), str(pair[1]))
            if text:
                problems.append(f"{label(entity, row)}.{key}: {text}")
    return problems
