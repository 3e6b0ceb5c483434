# SPDX-License-Identifier: Apache-2.0
"""A keyed document read into a list of nodes, and nodes nested back into a document.

A keyed document maps collection to name to entity, with children nested in their parents:
``services["a"].routes["b"].plugins["kafka-upstream"]``. It holds only what the user set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote
from uuid import UUID, uuid5

from gateway.entities import ENTITIES, EntityType, Row
from gateway.entities.credentials import show_secret
from gateway.entities.own_tags import KEY, OWNER, is_own_tag
from gateway.entities.partial import PARTIALS
from gateway.entities.partial_links import FIELD as LINKS
from gateway.entities.types import UUID as UUID_TEXT
from gateway.names.numbers import whole
from gateway.names.property_paths import entity_path, render_path
from gateway.names.spelling import choices

_NAMESPACE = UUID("5c0e36f5-3b7e-4f43-9d2d-5d3c1f3a8a51")
"""Of our ids: UUIDv5 of owner and path, so that the same document always has the same ids."""

_SAFE = " !$&'()*+-.:;=?@_~"

CHILDREN: dict[str, dict[str, str]] = {
    parent: {
        child.collection: name
        for child in ENTITIES.values()
        for name in child.parents
        if child.foreign[name] == parent
    }
    for parent in ENTITIES
}
"""Collection to the collections that may be nested in it, with the foreign key this sets."""
_BEGIN = "-----BEGIN CERTIFICATE-----"


@dataclass
class DocumentNode:
    """One entity of a document."""

    entity: EntityType
    key: str
    path: str
    """Where it stands in the document."""
    data: dict[str, Any]
    """Its own fields as the user set them, references still by name."""
    parents: dict[str, DocumentNode] = field(default_factory=dict)
    """Foreign key field to the entity of this document that it refers to."""
    id: str = ""
    linked: dict[int, DocumentNode] = field(default_factory=dict)
    """Place in the list of a plugin's partials to the partial of this document that is meant."""


def with_linked_ids(node: DocumentNode, data: dict[str, Any]) -> dict[str, Any]:
    """Return an entity's fields with the ids of the partials that it names."""
    if not node.linked:
        return data
    links = [
        {**link, "id": node.linked[place].id} if place in node.linked else link
        for place, link in enumerate(data[LINKS])
    ]
    return {**data, LINKS: links}


def owner_tag(owner: str) -> str:
    """Return the tag that marks an entity as belonging to an owner."""
    return OWNER + quote(owner, safe=_SAFE)


def own_tags(owner: str, node: DocumentNode) -> list[str]:
    """Return the tags that we add: whose it is, and its key when the entity does not tell it."""
    tags = [owner_tag(owner)]
    field = node.entity.key_field or ""
    # A foreign key is a name in the document and an id in the row.
    if node.data.get(field) != node.key or field in node.entity.foreign:
        tags.append(KEY + quote(node.key, safe=_SAFE))
    return tags


def key_of(entity: EntityType, row: Mapping[str, Any]) -> str:
    """Return the key of a row in its owner's document."""
    for tag in row.get("tags") or ():
        if tag.startswith(KEY):
            return unquote(tag[len(KEY) :])
    return str(row.get(entity.key_field or "") or row["id"])


def derived_id(owner: str, identity: str) -> str:
    """Return the id of an entity that has none of its own."""
    return str(uuid5(_NAMESPACE, f"{owner}/{identity}"))


def contains(value: Any, unknown: object | None) -> bool:
    """Tell whether a value is, or has anywhere in it, the sentinel for values not known yet."""
    if unknown is None:
        return False
    if value is unknown:
        return True
    if isinstance(value, str):
        return isinstance(unknown, str) and unknown in value
    if isinstance(value, Mapping):
        return any(contains(item, unknown) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(contains(item, unknown) for item in value)
    return False


class Tree:
    """The nodes of a document in the order in which they stand there, and what is wrong with it."""

    def __init__(self, document: Any, owner: str, unknown: object | None) -> None:
        self.nodes: list[DocumentNode] = []
        self.problems: list[str] = []
        self._owner = owner
        self._unknown = unknown
        if isinstance(document, Mapping):
            try:
                self._read(document, ENTITIES, None, "")
            except RecursionError:
                self.problems.append("the document is nested too deeply")
        else:
            self.problems.append("the document must be a map of collections")
        self._index = {(node.entity.collection, node.key): node for node in self.nodes}
        for node in self.nodes:
            self._resolve(node)
            if node.entity.collection == "plugins":
                self._link(node)
        for node in self.nodes:
            self._identify(node)

    def _read(
        self,
        level: Mapping[str, Any],
        allowed: Iterable[str],
        parent: DocumentNode | None,
        path: str,
    ) -> None:
        for collection, items in level.items():
            where = render_path((collection,), path)
            if collection not in allowed:
                advice = choices(collection, allowed)
                self.problems.append(f"{where}: unknown collection; {advice}")
            elif items is None or (
                contains(items, self._unknown) and not isinstance(items, Mapping)
            ):
                continue
            elif not isinstance(items, Mapping):
                self.problems.append(f"{where}: expected a map of names to entities")
            else:
                for key, item in items.items():
                    self._read_entity(ENTITIES[collection], str(key), item, parent, path)

    def _read_entity(
        self, entity: EntityType, key: str, item: Any, parent: DocumentNode | None, path: str
    ) -> None:
        path = entity_path(path, entity.collection, key)
        if not isinstance(item, Mapping):
            if item is not None and not contains(item, self._unknown):
                self.problems.append(f"{path}: expected a map of fields")
                return
            item = {}
        inner = CHILDREN[entity.collection]
        data = {str(name): plain(value) for name, value in item.items() if name not in inner}
        node = DocumentNode(entity, key, path, data)
        self._name(node)
        self._check_tags(node)
        if parent is not None:
            foreign = inner_field(parent.entity.collection, entity.collection)
            if data.get(foreign) is not None:
                text = f"is set by the {parent.entity.singular} around it, leave it out"
                self.problems.append(f"{path}.{foreign}: {text}")
            node.parents[foreign] = parent
        self.nodes.append(node)
        self._read({name: item[name] for name in inner if name in item}, inner, node, path)

    def _name(self, node: DocumentNode) -> None:
        """Let the key stand for the field it names."""
        name = node.entity.key_field
        if name is None or node.key == node.data.get("id"):
            return
        given = node.data.get(name)
        if given is None:
            node.data[name] = node.key
        elif name != node.entity.endpoint_key or contains(given, self._unknown):
            return
        elif given != node.key:
            self.problems.append(f'{node.path}.{name}: must be its key "{node.key}"')

    def _check_tags(self, node: DocumentNode) -> None:
        tags = node.data.get("tags")
        for tag in tags if isinstance(tags, list) else ():
            if isinstance(tag, str) and is_own_tag(tag):
                text = f'"{tag}" is set by the gateway; tags may not start with {OWNER} or {KEY}'
                self.problems.append(f"{node.path}.tags: {text}")

    def _resolve(self, node: DocumentNode) -> None:
        """Replace names in foreign key fields by the nodes they mean; ids of others may stay."""
        for name, collection in node.entity.foreign.items():
            given = node.data.get(name)
            if given is None or name in node.parents or contains(given, self._unknown):
                continue
            word = _reference(given)
            found = self._find(collection, word) if word is not None else None
            if found is not None:
                node.parents[name] = found
            elif word is None or UUID_TEXT.fullmatch(word) is None:
                known = [key for kind, key in self._index if kind == collection]
                advice = choices(word, known) if known else f"the document has no {collection}"
                shown = "the certificate" if _BEGIN in (word or "") else f'"{word}"'
                text = f"{shown} is not one of the {collection} of this document"
                self.problems.append(f"{node.path}.{name}: {text}; {advice}")
                del node.data[name]
            else:
                node.data[name] = word

    def _link(self, node: DocumentNode) -> None:
        """Find the partials that a plugin names; ids of others may stay."""
        links = node.data.get(LINKS)
        for place, link in enumerate(links if isinstance(links, list) else ()):
            if not isinstance(link, Mapping) or contains(link, self._unknown):
                continue
            name, given = link.get("name"), link.get("id")
            words = [word for word in (name, given) if isinstance(word, str)]
            found = [one for word in words if (one := self._find(PARTIALS.collection, word))]
            if found:
                node.linked[place] = found[0]
            elif isinstance(name, str) and given is None:
                known = [key for kind, key in self._index if kind == PARTIALS.collection]
                advice = choices(name, known) if known else "the document has no partials"
                text = f'"{name}" is not one of the partials of this document; {advice}'
                self.problems.append(f"{node.path}.{LINKS}[{place}].name: {text}")

    def _find(self, collection: str, word: str) -> DocumentNode | None:
        """Return the node that is called so, or, for a PEM text, that holds the certificate."""
        found = self._index.get((collection, word))
        if found is not None or _BEGIN not in word:
            return found
        text = word.split()
        nodes = (node for node in self.nodes if node.entity.collection == collection)
        return next((node for node in nodes if str(node.data.get("cert")).split() == text), None)

    def _identify(self, node: DocumentNode) -> None:
        given = node.data.get("id")
        if isinstance(given, str) and not contains(given, self._unknown):
            # As the entity's own check writes it: what refers to it has to say the same.
            node.id = given.lower()
        else:
            node.id = derived_id(self._owner, _identity(node))


def inner_field(parent: str, child: str) -> str:
    """Return the foreign key field that nesting a child in a parent sets."""
    return CHILDREN[parent][child]


def _identity(node: DocumentNode) -> str:
    """Return a path that does not depend on where the user wrote the entity.

    What has a unique name is known by it; the rest stands under its most specific parent.
    """
    entity = node.entity
    own = entity_path("", entity.collection, node.key)
    if entity.known_by_key:
        return own
    for name in entity.parents:
        if name in node.parents:
            return f"{_identity(node.parents[name])}.{own}"
    return own


def _reference(value: Any) -> str | None:
    """Return the name or id in ``"x"``, ``{"name": "x"}``, ``{"username": …}`` or ``{"id": …}``."""
    if isinstance(value, Mapping) and len(value) == 1:
        (name, value), *_ = value.items()
        return str(value) if name in ("id", "name", "username") and value is not None else None
    return value if isinstance(value, str) else None


def plain(value: Any) -> Any:
    """Copy a value; whole floats become integers, since some transports know no integers.

    Keys of maps become texts.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return whole(value) if isinstance(value, float) else value


def nest(rows: Iterable[tuple[EntityType, Row]], owner: str) -> dict[str, Any]:
    """Nest complete rows of one owner into a keyed document.

    Times and our tags are left out, and ids that follow from the path.
    """
    known = {(entity.collection, row["id"]): (entity, row) for entity, row in rows}
    identities: dict[RowKey, str] = {}
    bodies: dict[RowKey, dict[str, Any]] = {}
    document: dict[str, Any] = {}
    for place, (entity, row) in known.items():
        identity = _row_identity(entity, row, known, identities)
        bodies[place] = _body(entity, row, known, row["id"] == derived_id(owner, identity))
    for place, (entity, row) in known.items():
        parent = _parent_field(entity, row, known)
        level = document if parent is None else bodies[_referred(entity, row, parent)]
        level = level.setdefault(entity.collection, {})
        key = key_of(entity, row)
        level[row["id"] if key in level else key] = bodies[place]
    return document


RowKey = tuple[str, str]
"""Collection and id: entities of two collections may have the same id."""
Known = Mapping[RowKey, tuple[EntityType, Row]]


def _referred(entity: EntityType, row: Row, name: str) -> RowKey:
    return entity.foreign[name], row.get(name) or ""


def _parent_field(entity: EntityType, row: Row, known: Known) -> str | None:
    return next((name for name in entity.parents if _referred(entity, row, name) in known), None)


def _row_identity(entity: EntityType, row: Row, known: Known, cache: dict[RowKey, str]) -> str:
    place = entity.collection, row["id"]
    found = cache.get(place)
    if found is None:
        own = entity_path("", entity.collection, key_of(entity, row))
        parent = _parent_field(entity, row, known)
        if parent is None or entity.known_by_key:
            found = own
        else:
            above = _row_identity(*known[_referred(entity, row, parent)], known, cache)
            found = f"{above}.{own}"
        cache[place] = found
    return found


def _link_by_name(link: Any, known: Known) -> Any:
    """Return a plugin's link to a partial, by the partial's key if it is in the document."""
    given = link.get("id") if isinstance(link, Mapping) else None
    place = PARTIALS.collection, str(given)
    if place not in known:
        return link
    return {"name": key_of(*known[place]), "path": link.get("path")}


def _body(entity: EntityType, row: Row, known: Known, derived: bool) -> dict[str, Any]:
    parent = _parent_field(entity, row, known)
    body: dict[str, Any] = {}
    for name, value in row.items():
        if name in ("created_at", "updated_at") or (name == "id" and derived):
            continue
        if name in entity.foreign and (value is None or name == parent):
            continue
        if name == "tags":
            value = sorted(tag for tag in value or () if not is_own_tag(tag)) or None
        elif name in entity.foreign and _referred(entity, row, name) in known:
            value = key_of(*known[_referred(entity, row, name)])
        elif name == LINKS and isinstance(value, list):
            value = [_link_by_name(link, known) for link in value]
        body[name] = value
    show_secret(entity.collection, body)
    return body
