# SPDX-License-Identifier: Apache-2.0
"""Publishing to Konnect, which has no releases: entity by entity, in decK's order.

Only fields that the user set are sent, so Konnect's defaults stay Konnect's. Nothing is atomic
here: a publication that fails half way is completed by the next one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from gateway.control_plane.admin.paths import nestings, top_path
from gateway.documents.document import from_table
from gateway.documents.tree import DocumentNode, Tree, own_tags, owner_tag
from gateway.entities import ENTITIES
from gateway.entities.service import split_url
from gateway.errors import ResourceError
from gateway.http.json_api import quoted
from provider.konnect_api import KonnectApi
from provider.publishing.publisher import OwnedDocument, Publication, Published
from provider.values import Properties

_UNSUPPORTED = frozenset(("consumer_group_consumers", "oauth2_credentials", "targets"))
_PAGE = 100
CONSUMER = "consumer"
CREDENTIALS = {
    nesting.child: nesting
    for nesting in nestings()
    if nesting.field == CONSUMER and nesting.child != "plugins"
}
"""What belongs to a consumer and to nothing else."""


class KonnectPublisher:
    """A control plane of Konnect, at the URL of its core entities."""

    def __init__(self, admin: Properties) -> None:
        self._api = KonnectApi(admin)

    def live(self, owner: str) -> dict[str, Any]:
        """Return what carries the owner's tag, as a document."""
        return from_table(self._rows(owner), owner)

    def owned(self, owner: str) -> OwnedDocument | None:
        """See ``DocumentPublisher``; there are no releases."""
        document = self.live(owner)
        return OwnedDocument(document, 0, "") if document else None

    def publish(
        self, publication: Publication, cancelled: threading.Event, warn: Callable[[str], None]
    ) -> Published:
        """Write parents before children, then remove what is left over, children first."""
        tree = Tree(publication.document, publication.owner, None)
        place = {collection: number for number, collection in enumerate(ENTITIES)}
        nodes = sorted(tree.nodes, key=lambda node: place[node.entity.collection])
        before = self._rows(publication.owner)
        for node in nodes:
            owner = node.parents.get(CONSUMER)
            path = _path(node.entity.collection, node.id, "" if owner is None else owner.id)
            response = self._api.request("PUT", path, _body(node, publication.owner))
            if response.status == 404:
                raise ResourceError(f"Konnect has no control plane at {self._api.url}")
        self._remove(before, {node.id for node in nodes})
        return Published(0, "")

    def withdraw(self, owner: str, wait: int) -> None:
        """Remove everything that carries the owner's tag."""
        self._remove(self._rows(owner), set())

    def _remove(self, rows: dict[str, list[dict[str, Any]]], kept: set[str]) -> None:
        for collection in reversed(ENTITIES):
            for row in rows.get(collection, ()):
                if row["id"] not in kept:
                    path = _path(collection, row["id"], row.get(CONSUMER) or "")
                    self._api.request("DELETE", path)

    def _rows(self, owner: str) -> dict[str, list[dict[str, Any]]]:
        tag = quoted(owner_tag(owner))
        return {
            collection: self._list(collection, tag)
            for collection in ENTITIES
            if collection not in _UNSUPPORTED
        }

    def _list(self, collection: str, tag: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        offset = ""
        while True:
            path = f"{top_path(collection)}?size={_PAGE}&tags={tag}{offset}"
            body = self._api.request("GET", path).body or {}
            rows += [_flat(collection, item) for item in body.get("data", ())]
            if not body.get("offset"):
                return rows
            offset = f"&offset={quoted(body['offset'])}"


def _path(collection: str, identity: str, consumer: str) -> str:
    """Return where one entity is written and removed.

    Credentials only stand below their consumer: at their own collections Konnect lists them
    (Kong/sdk-konnect-go, docs/sdks/apikeys: ``upsert-key-auth-with-consumer``).
    """
    found = top_path(collection)
    if consumer and collection in CREDENTIALS:
        found = CREDENTIALS[collection].path.format(parent=quoted(consumer))
    return f"{found}/{quoted(identity)}"


def _body(node: DocumentNode, owner: str) -> dict[str, Any]:
    """The entity as the user wrote it, with our tags and its references by id."""
    if node.entity.collection in _UNSUPPORTED:
        raise ResourceError(f"{node.path}: cannot be written to Konnect by this provider")
    data = dict(node.data)
    if node.entity.collection == "services" and data.get("url") is not None:
        data = split_url(data)
    data["tags"] = [*(data.get("tags") or ()), *own_tags(owner, node)]
    data |= {name: {"id": parent.id} for name, parent in node.parents.items()}
    return data


def _flat(collection: str, item: dict[str, Any]) -> dict[str, Any]:
    """A row with its references as plain ids, and every field present."""
    foreign = ENTITIES[collection].foreign
    return {
        name: value["id"] if name in foreign and isinstance(value, dict) else value
        for name, value in item.items()
    }
