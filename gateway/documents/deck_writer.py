# SPDX-License-Identifier: Apache-2.0
"""From keyed documents back to decK files: what reading the file gives is the document again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.documents.deck_lists import deck_key
from gateway.documents.tree import CHILDREN, Tree
from gateway.entities import ENTITIES, EntityType
from gateway.entities.partial_links import FIELD as LINKS
from gateway.entities.shape import Shape
from gateway.entities.types import UUID
from gateway.entities.validation import shape_for
from gateway.names.property_paths import entity_path

_MEMBERSHIPS = "consumer_group_consumers"
_HEADER = {"_format_version": "3.0"}


def as_deck(
    document: Mapping[str, Any], owner: str, select_tags: Sequence[str] = ()
) -> dict[str, Any]:
    """Return a live document of an owner as a decK file in format 3.0.

    Nulls that mean nothing are left out. An entity whose key does not follow from its fields has
    its id, by which it stays the same entity when the file is published. Select tags, which all
    entities must have, stand in the header.
    """
    header: dict[str, Any] = dict(_HEADER)
    if select_tags:
        header["_info"] = {"select_tags": list(select_tags)}
    writer = _Writer(document, owner, select_tags)
    writer.level(document, ENTITIES, "")
    # Again, since what refers to an entity may stand before it.
    return header | writer.level(document, ENTITIES, "")


class _Writer:
    def __init__(self, document: Mapping[str, Any], owner: str, select_tags: Sequence[str]) -> None:
        self._select_tags = select_tags
        self._ids = {node.path: node.id for node in Tree(document, owner, None).nodes}
        self._known_by_id: dict[tuple[str, str], str] = {}
        """Collection and key of what has its id in the file, and so is called by it there."""

    def level(
        self, level: Mapping[str, Any], allowed: Mapping[str, Any], path: str
    ) -> dict[str, Any]:
        """Turn each map of one level into a list."""
        lists: dict[str, Any] = {}
        for collection in allowed:
            items = level.get(collection) or {}
            entity = ENTITIES[collection]
            made = [
                self._entity(entity, key, items[key], place, entity_path(path, collection, key))
                for place, key in enumerate(_ordered(entity, items))
            ]
            if made:
                lists[collection] = made
        return lists

    def _entity(
        self, entity: EntityType, key: str, item: Mapping[str, Any], place: int, path: str
    ) -> dict[str, Any]:
        inner = CHILDREN[entity.collection]
        own = {name: value for name, value in item.items() if name not in inner}
        shapes = shape_for(entity, own).fields or {}
        if self._select_tags:
            left = [tag for tag in own.get("tags") or () if tag not in self._select_tags]
            own["tags"] = left or None
        body: dict[str, Any] = {}
        for name, value in own.items():
            if value is not None or not _is_absence(shapes.get(name)):
                shown = self._reference(entity, name, value) if name in entity.foreign else value
                if name == LINKS:
                    shown = [self._link(link) for link in value]
                body[name] = _without_nulls(shown, shapes.get(name))
        field = entity.key_field
        if field is not None and field not in body and field in entity.model.model_fields:
            body |= {} if key == body.get("id") else {field: key}
        lists = self.level(item, inner, path)
        if deck_key(entity, body | lists, place) != key:
            body = {"id": self._ids[path], **body}
            self._known_by_id[entity.collection, key] = self._ids[path]
        if entity.collection == "consumers":
            _as_groups(body, lists)
            if "basicauth_credentials" in lists:
                # Its id is part of what the passwords' hashes are of.
                body = {"id": self._ids[path], **body}
        return body | lists

    def _link(self, link: Mapping[str, Any]) -> dict[str, Any]:
        """Return a plugin's link to a partial: by its id where it is called by that."""
        known = self._known_by_id.get(("partials", link.get("name", "")))
        return dict(link) if known is None else {"id": known, "path": link["path"]}

    def _reference(self, entity: EntityType, field: str, value: Any) -> Any:
        """Return a foreign key as decK writes it: a text in plugins, else a map."""
        if not isinstance(value, str):
            return value
        value = self._known_by_id.get((entity.foreign[field], value), value)
        if entity.collection == "plugins" or field == entity.key_field:
            return value
        return {"id" if UUID.fullmatch(value) else "name": value}


def _ordered(entity: EntityType, items: Mapping[str, Any]) -> list[str]:
    """Return keys in the order of a list: what has no name is known by its place there."""
    if entity.key_field is None:
        return sorted(items, key=lambda key: (not key.isdigit(), len(key), key))
    return sorted(items)


def _is_absence(shape: Shape | None) -> bool:
    return shape is not None and shape.default is None


def _without_nulls(value: Any, shape: Shape | None) -> Any:
    """Return a value without the nulls that a schema puts there again."""
    if shape is None:
        return value
    if isinstance(value, dict) and shape.fields is not None:
        return {
            name: _without_nulls(one, shape.fields.get(name))
            for name, one in value.items()
            if one is not None or not _is_absence(shape.fields.get(name))
        }
    if shape.elements is not None and isinstance(value, list):
        return [_without_nulls(one, shape.elements) for one in value]
    return value


def _as_groups(body: dict[str, Any], lists: dict[str, Any]) -> None:
    """Write memberships as decK does, where they say no more than the group's name."""
    memberships = lists.get(_MEMBERSHIPS) or []
    plain = [one for one in memberships if set(one) == {"consumer_group"}]
    if plain and len(plain) == len(memberships):
        del lists[_MEMBERSHIPS]
        body["groups"] = [
            {"id" if UUID.fullmatch(one["consumer_group"]) else "name": one["consumer_group"]}
            for one in plain
        ]
