# SPDX-License-Identifier: Apache-2.0
"""Consumer groups as decK writes them: ``consumers[].groups`` and ``consumer_groups[].consumers``.

Both say the same; in a document a consumer holds its memberships.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.names.property_paths import entity_path
from gateway.names.spelling import choices

_NAMES = ("username", "id", "custom_id")


def with_memberships(raw: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a decK file with each membership in its consumer, and what is wrong with them."""
    result = dict(raw)
    problems: list[str] = []
    consumers = _copies(raw, "consumers", "groups")
    groups = _copies(raw, "consumer_groups", "consumers")
    for consumer in consumers:
        for group in consumer.pop("groups", None) or ():
            name = _name(group, ("name", "id"))
            if name is None:
                where = entity_path("", "consumers", str(_name(consumer, _NAMES)))
                problems.append(f"{where}.groups: expected names of consumer groups")
            else:
                _join(consumer, name)
    for group in groups:
        members = group.pop("consumers", None) or ()
        own = str(_name(group, ("name", "id")))
        for member in members:
            found = _find(consumers, member)
            if found is None:
                where = entity_path("", "consumer_groups", own)
                known = [str(_name(consumer, _NAMES)) for consumer in consumers]
                name = _name(member, _NAMES)
                text = f'"{name}" is not one of the consumers of this file'
                problems.append(f"{where}.consumers: {text}; {choices(str(name), known)}")
            else:
                _join(found, own)
    _put_back(result, "consumers", consumers)
    _put_back(result, "consumer_groups", groups)
    return result, problems


def _copies(raw: Mapping[str, Any], collection: str, field: str) -> list[dict[str, Any]]:
    """Return copies of a list's entities; nothing where it is not as it should be.

    What reads the file afterwards says what is wrong with it.
    """
    items = raw.get(collection)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return []
    return [dict(item) for item in items if isinstance(item.get(field) or [], list)]


def _put_back(result: dict[str, Any], collection: str, items: list[dict[str, Any]]) -> None:
    given = result.get(collection)
    if isinstance(given, list) and len(given) == len(items):
        result[collection] = items


def _name(entity: Any, fields: tuple[str, ...]) -> str | None:
    if isinstance(entity, str):
        return entity
    if isinstance(entity, Mapping):
        return next((str(entity[name]) for name in fields if entity.get(name) is not None), None)
    return None


def _find(consumers: list[dict[str, Any]], member: Any) -> dict[str, Any] | None:
    if isinstance(member, str):
        member = {"username": member}
    if not isinstance(member, Mapping):
        return None
    given = {name: member[name] for name in _NAMES if member.get(name) is not None}
    return next(
        (c for c in consumers if any(c.get(name) == value for name, value in given.items())), None
    )


def _join(consumer: dict[str, Any], group: str) -> None:
    memberships = list(consumer.get("consumer_group_consumers") or ())
    if all(item.get("consumer_group") != group for item in memberships):
        memberships.append({"consumer_group": group})
    consumer["consumer_group_consumers"] = memberships
