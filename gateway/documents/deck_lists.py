# SPDX-License-Identifier: Apache-2.0
"""From decK's lists to maps keyed by name, so that an insertion is one line of a preview."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid5

from gateway.documents.memberships import with_memberships
from gateway.documents.plugin_links import with_links
from gateway.documents.tree import CHILDREN, plain
from gateway.entities import ENTITIES, EntityType
from gateway.entities.credentials import mark_hashed
from gateway.errors import DocumentError
from gateway.names.property_paths import entity_path, parse_path, render_path, split_problem
from gateway.names.spelling import choices

_NAMESPACE = UUID("b5b7c1f2-0a9e-4c55-9d0f-5f0d5b1f3a77")
"""Of the ids of entities without a name."""
_BY_CONTENT = 5
"""The version of a UUID that is made of content (RFC 9562 section 5.5)."""
_HEADER = ("_transform", "_workspace", "_konnect", "_info", "_plugin_configs", "_comment")
_DEFAULTS = {"service": "services", "route": "routes", "upstream": "upstreams", "target": "targets"}


def keyed(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyed document of a decK file in format 3.0, its header already checked.

    Raises ``DocumentError`` for what is decK's own: header keys, lists, entities without a name.
    """
    reader = _Reader(raw)
    entities, problems = with_memberships({k: v for k, v in raw.items() if not k.startswith("_")})
    reader.problems += problems
    entities, problems = with_links(entities)
    reader.problems += problems
    document = reader.level(entities, ENTITIES, "")
    if reader.problems:
        raise DocumentError(reader.problems)
    return document


@contextmanager
def positions_of_unnamed(document: Mapping[str, Any]) -> Iterator[None]:
    """Have a ``DocumentError`` name what got its id here by its place in the list.

    ``document``: what ``keyed`` has returned; its maps are in the order of the file's lists.
    """
    try:
        yield
    except DocumentError as error:
        raise DocumentError([_by_position(one, document) for one in error.problems]) from error


def _by_position(problem: str, document: Mapping[str, Any]) -> str:
    place, text = split_problem(problem)
    try:
        steps = parse_path(place)
    except ValueError:
        return problem
    at: Any = document
    for step in steps:
        inside = at.get(step) if isinstance(at, Mapping) else None
        if isinstance(inside, Mapping) and inside.get("id") == step and _is_made(str(step)):
            place = place.replace(f'["{step}"]', f"[{list(at).index(step)}]", 1)
        at = inside
    return f"{place}: {text}" if place else problem


def _is_made(key: str) -> bool:
    try:
        return UUID(key).version == _BY_CONTENT
    except ValueError:
        return False


class _Reader:
    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.problems = [
            f"{name}: unknown key; {choices(name, ['_format_version', *_HEADER])}"
            for name in raw
            if name.startswith("_") and name not in _HEADER
        ]
        if raw.get("_workspace") not in (None, "default"):
            self.problems.append("_workspace: only the workspace default exists; allowed: default")
        info = self._map(raw, "_info", "")
        tags = info.get("select_tags") or []
        if not isinstance(tags, list):
            self.problems.append("_info.select_tags: expected a list of texts")
        self._tags = tags if isinstance(tags, list) else []
        defaults = self._map(info, "defaults", "_info.")
        self._defaults = {
            _DEFAULTS[name]: self._map(defaults, name, "_info.defaults.")
            for name in defaults
            if name in _DEFAULTS
        }
        self.problems += [
            f"_info.defaults.{name}: unknown; {choices(name, [*_DEFAULTS])}"
            for name in defaults
            if name not in _DEFAULTS
        ]
        # Kong writes it into exports, whose passwords are hashed already.
        self._hashed = raw.get("_transform") is False
        if not isinstance(raw.get("_transform"), bool | None):
            self.problems.append("_transform: expected true or false")
        self._configs = self._map(raw, "_plugin_configs", "")

    def _map(self, around: Mapping[str, Any], name: str, path: str) -> dict[str, Any]:
        """Return a map of the header, empty where there is none or something else."""
        value = around.get(name)
        if value is None or isinstance(value, dict):
            return value or {}
        self.problems.append(f"{path}{name}: expected a map")
        return {}

    def level(self, level: Mapping[str, Any], allowed: Any, path: str) -> dict[str, Any]:
        """Turn each list of one level into a map."""
        document: dict[str, Any] = {}
        for collection, items in level.items():
            where = render_path((collection,), path)
            if collection not in allowed:
                advice = choices(collection, allowed)
                self.problems.append(f"{where}: unknown collection; {advice}")
            elif items is None:
                continue
            elif not isinstance(items, list):
                self.problems.append(f"{where}: expected a list of entities")
            else:
                document[collection] = self._items(ENTITIES[collection], items, path)
        return document

    def _items(self, entity: EntityType, items: list[Any], level: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for position, item in enumerate(items):
            path = render_path((entity.collection, position), level)
            if not isinstance(item, dict):
                self.problems.append(f"{path}: expected a map of fields")
                continue
            key = deck_key(entity, item, position)
            if key is None and _may_be_unnamed(entity):
                key = _id_by_content(entity, item, level)
                item = {"id": key, **item}
            if key is None:
                self.problems.append(f"{path}.{entity.key_field}: required field missing")
            elif key in found:
                self.problems.append(f'{path}: "{key}" stands there twice')
            else:
                inner = {n: v for n, v in item.items() if n in CHILDREN[entity.collection]}
                own = {n: v for n, v in item.items() if n not in inner}
                body = self._entity(entity, own, key, path)
                path = entity_path(level, entity.collection, key)
                found[key] = body | self.level(inner, CHILDREN[entity.collection], path)
        return found

    def _entity(
        self, entity: EntityType, item: dict[str, Any], key: str, path: str
    ) -> dict[str, Any]:
        body = {**self._defaults.get(entity.collection, {}), **item}
        if entity.collection == "plugins":
            body = self._plugin(body, path)
        if self._hashed:
            mark_hashed(entity.collection, body)
        if self._tags:
            tags = body.get("tags") or []
            if isinstance(tags, list):
                body["tags"] = [*tags, *(tag for tag in self._tags if tag not in tags)]
        if body.get(entity.key_field or "") == key:
            del body[str(entity.key_field)]
        return body

    def _plugin(self, body: dict[str, Any], path: str) -> dict[str, Any]:
        """Start from the named configuration in ``_plugin_configs``."""
        name = body.pop("_config", None)
        if name is None:
            return body
        shared = self._configs.get(str(name))
        if not isinstance(shared, dict):
            advice = choices(str(name), self._configs)
            self.problems.append(f'{path}._config: "{name}" is unknown; {advice}')
            return body
        own = body.get("config") or {}
        # What is no map is told to be wrong where entities are checked.
        return {**body, "config": {**shared, **own}} if isinstance(own, dict) else body


def _may_be_unnamed(entity: EntityType) -> bool:
    field = entity.model.model_fields.get(entity.key_field or "")
    return entity.collection != "plugins" and field is not None and not field.is_required()


def _id_by_content(entity: EntityType, item: Mapping[str, Any], level: str) -> str:
    """Return the id of an entity without a name: the same for the same fields at the same place.

    Kong without a database takes such files, and makes a new id each time.
    """
    own = {name: one for name, one in item.items() if name not in CHILDREN[entity.collection]}
    text = json.dumps(plain(own), default=str, sort_keys=True)
    return str(uuid5(_NAMESPACE, f"{level}/{entity.collection}/{text}"))


def deck_key(entity: EntityType, item: Mapping[str, Any], position: int) -> str | None:
    """Return the key an entity of a list gets, None when its name is missing.

    Plugins limited to something beside their parent carry that in the key; what has no name is
    known by its id, or gets one where its kind needs none, a certificate by its digest, an API key
    by its place in the list.
    """
    if entity.collection == "plugins":
        return _plugin_key(entity, item)
    name = item.get(entity.key_field or "")
    if name is not None:
        return str(name)
    if item.get("id") is not None:
        return str(item["id"])
    names = item.get("snis")
    if entity.collection == "certificates" and isinstance(names, list) and names:
        first = names[0]
        return str(first["name"]) if isinstance(first, dict) and "name" in first else None
    if isinstance(item.get("cert"), str):
        return hashlib.sha256(item["cert"].encode()).hexdigest()[:16]
    return None if entity.key_field is not None else str(position + 1)


def _plugin_key(entity: EntityType, item: Mapping[str, Any]) -> str | None:
    if item.get("instance_name") is not None:
        return str(item["instance_name"])
    if item.get("name") is None:
        return None
    scopes = [
        f"{field}:{value if isinstance(value, str) else next(iter(value.values()), '')}"
        for field in entity.foreign
        if isinstance(value := item.get(field), (str, dict))
    ]
    return " ".join([str(item["name"]), *scopes])
