# SPDX-License-Identifier: Apache-2.0
"""What decK does with a file and an Admin API: read, fill in defaults, compare, write; and dump.

The decisions that show on the wire are decK's and go-kong's: defaults come from the server's
schemas, records are filled in where they are given or required, former names of fields are compared
with their present ones, null and missing are equal, lists are compared in order but for sets and
tags, and entities are written by PUT, level by level, under ids that are chosen here.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import yaml

from gateway.documents.placeholders import render_environment
from tests.support.control_plane import Place
from tests.support.deck_schemas import (
    Entity,
    clear_former_names,
    defaults_of,
    fields_of,
    fill_record,
    merge,
    sorted_sets,
)

State = dict[str, dict[str, Entity]]
"""Entities by collection and id."""

CREDENTIALS = {
    "keyauth_credentials": ("/key-auths", "key-auth", "key"),
    "basicauth_credentials": ("/basic-auths", "basic-auth", "username"),
    "hmacauth_credentials": ("/hmac-auths", "hmac-auth", "username"),
    "jwt_secrets": ("/jwts", "jwt", "key"),
    "acls": ("/acls", "acls", "group"),
    "oauth2_credentials": ("/oauth2", "oauth2", "client_id"),
    "mtls_auth_credentials": ("/mtls-auths", "mtls-auth", "subject_name"),
}
"""Where each kind is listed, the last part of its path, and what tells one from another."""
NAMES = {
    "certificates": "id",
    "ca_certificates": "id",
    "consumers": "username",
    "vaults": "prefix",
    "consumer_groups": "name",
    "snis": "name",
    "services": "name",
    "upstreams": "name",
    "routes": "name",
    "key_sets": "name",
    "keys": "name",
    "partials": "name",
}
LEVELS = (
    ("certificates", "ca_certificates", "consumers", "vaults", "key_sets", "partials"),
    ("consumer_groups", "snis", "services", "upstreams", "keys", *CREDENTIALS),
    ("routes", "targets", "memberships"),
    ("plugins",),
)
SINGULAR = {
    "services": "service",
    "routes": "route",
    "upstreams": "upstream",
    "targets": "target",
    "consumers": "consumer",
    "consumer_groups": "consumer_group",
}
FILLED = ("services", "routes", "upstreams", "targets")
CHILDREN = {
    "services": ("routes", "plugins"),
    "routes": ("plugins",),
    "consumers": ("plugins", *CREDENTIALS),
    "consumer_groups": ("plugins",),
    "upstreams": ("targets",),
    "certificates": ("snis",),
}
TIMES = ("created_at", "updated_at")


class Deck:
    """decK for one control plane; ``environment`` is what a file's expressions read."""

    def __init__(self, place: Place, environment: Mapping[str, str] | None = None) -> None:
        self._place = place
        self._environment = environment or {}
        self._schemas: dict[str, Any] = {}

    async def sync(self, text: str) -> list[str]:
        """Make the server have what the file says and no more; return the writes, in order."""
        file = yaml.safe_load(render_environment(text, self._environment))
        version = str(file.pop("_format_version", "1.1"))
        assert version == "3.0", f"decK refuses {version} for a server of this version"
        tags = (file.get("_info") or {}).get("select_tags") or []
        live = await self._read(tags)
        wanted = _Reader(file, live, tags).state
        for collection in (*FILLED, "plugins", "vaults", "partials"):
            for entity in wanted.get(collection, {}).values():
                await self._fill(collection, entity)
        return [await self._write(*change) for change in await self._changes(live, wanted)]

    async def dump(self) -> str:
        """Return all that the server has as a file."""
        return yaml.safe_dump(_nested(await self._read([])), sort_keys=False)

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        reply = await self._place.ask(method, path, body)
        assert reply.status < 400, (method, path, body, reply.status, reply.body)
        return reply.body

    async def _list(self, path: str, tags: list[str]) -> list[Entity]:
        query = f"?size=1000&tags={','.join(tags)}" if tags else "?size=1000"
        found: list[Entity] = []
        offset = ""
        while True:
            reply = await self._place.ask("GET", f"{path}{query}{offset}")
            if reply.status == 404:
                return []
            assert reply.status == 200, (path, reply)
            found += reply.body["data"]
            if reply.body.get("offset") is None:
                return found
            offset = f"&offset={reply.body['offset']}"

    async def _read(self, tags: list[str]) -> State:
        paths = {name: "/" + name.replace("key_sets", "key-sets") for name in (*NAMES, "plugins")}
        paths |= {name: path for name, (path, _, _) in CREDENTIALS.items()}
        state = {}
        for collection, path in paths.items():
            state[collection] = {row["id"]: row for row in await self._list(path, tags)}
        state["targets"] = {
            row["id"]: row
            for upstream in state["upstreams"]
            for row in await self._list(f"/upstreams/{upstream}/targets", [])
        }
        state["memberships"] = {}
        for group in state["consumer_groups"]:
            for consumer in (await self._ask("GET", f"/consumer_groups/{group}"))["consumers"]:
                state["memberships"][f"{group}/{consumer['id']}"] = {}
        return state

    async def _schema(self, path: str) -> Any:
        if path not in self._schemas:
            self._schemas[path] = await self._ask("GET", path)
        return self._schemas[path]

    async def _fill(self, collection: str, entity: Entity) -> None:
        if collection in ("vaults", "partials"):
            kind = entity["name" if collection == "vaults" else "type"]
            schema = fields_of(await self._schema(f"/schemas/{collection}/{kind}"))
            entity["config"] = fill_record(schema["config"], entity.get("config") or {}, {})
            return
        if collection != "plugins":
            defaults = defaults_of(await self._schema(f"/schemas/{collection}"))
            merge(entity, {k: v for k, v in defaults.items() if k not in TIMES})
            return
        fields = fields_of(await self._schema(f"/schemas/plugins/{entity['name']}"))
        entity["config"] = fill_record(fields["config"], entity.get("config") or {}, {})
        entity.setdefault("protocols", fields["protocols"]["default"])
        entity.setdefault("enabled", True)

    async def _changes(self, live: State, wanted: State) -> list[tuple[str, str, str, Entity]]:
        changes: list[tuple[str, str, str, Entity]] = []
        for level in reversed(LEVELS):
            for collection in level:
                gone = live.get(collection, {}).keys() - wanted.get(collection, {}).keys()
                changes += [("DELETE", collection, name, live[collection][name]) for name in gone]
        for level in LEVELS:
            for collection in level:
                for name, entity in wanted.get(collection, {}).items():
                    before = live.get(collection, {}).get(name)
                    if before is None or not await self._equal(collection, before, entity):
                        changes.append(("PUT", collection, name, entity))
        return changes

    async def _equal(self, collection: str, before: Entity, after: Entity) -> bool:
        before, after = copy.deepcopy(before), copy.deepcopy(after)
        if collection == "plugins":
            schema = fields_of(await self._schema(f"/schemas/plugins/{after['name']}"))["config"]
            for one in (before, after):
                await self._put_partials(one)
            clear_former_names(schema, after["config"], before["config"])
            for one in (before, after):
                one["protocols"] = sorted(one["protocols"])
                one["config"] = sorted_sets(schema, one["config"])
        if collection == "ca_certificates" and "cert_digest" not in after:
            del before["cert_digest"]  # The server's own.
        return bool(_comparable(before) == _comparable(after))

    async def _put_partials(self, plugin: Entity) -> None:
        """Fill in where a plugin's partials stand, and what the server says of those it has."""
        supported = (await self._schema(f"/schemas/plugins/{plugin['name']}")).get(
            "supported_partials", {}
        )
        for link in plugin.get("partials") or ():
            reply = await self._place.ask("GET", f"/partials/{link['id']}")
            if reply.status == 404:
                continue
            (path,) = supported[reply.body["type"]]
            inner = plugin["config"]
            *above, last = link.setdefault("path", path).split(".")[1:]
            for step in above:
                inner = inner.setdefault(step, {})
            inner[last] = reply.body["config"]

    async def _write(self, method: str, collection: str, name: str, entity: Entity) -> str:
        path = f"/{collection.replace('_sets', '-sets')}/{name}"
        if collection in CREDENTIALS:
            kind = CREDENTIALS[collection][1]
            path = f"/consumers/{entity['consumer']['id']}/{kind}/{name}"
        elif collection == "targets":
            path = f"/upstreams/{entity['upstream']['id']}/targets/{name}"
        elif collection == "memberships":
            group, _, consumer = name.partition("/")
            path = f"/consumer_groups/{group}/consumers"
            if method == "PUT":
                await self._ask("POST", path, {"consumer": consumer})
            else:
                await self._ask("DELETE", f"{path}/{consumer}")
            return f"{method} {collection}"
        # Sparse: what is null is left out, but for the settings of a plugin, which are a map.
        body = {key: value for key, value in entity.items() if value is not None}
        await self._ask(method, path, body if method == "PUT" else None)
        return f"{method} {collection}"


class _Reader:
    """From the nested lists of a file to a state, with the ids of what is live."""

    def __init__(self, file: Entity, live: State, tags: list[str]) -> None:
        self._live, self._tags = live, tags
        self._configs = file.get("_plugin_configs") or {}
        self._groups: list[tuple[str, str]] = []
        self._plugins: list[Entity] = []
        self.state: State = {}
        for collection, items in file.items():
            if not collection.startswith("_"):
                self._level(collection, items, {})
        for group, consumer in self._groups:
            found = f"{self._id_of('consumer_groups', group)}/{consumer}"
            self.state.setdefault("memberships", {})[found] = {}
        for plugin in self._plugins:
            self._plugin(plugin)

    def _level(self, collection: str, items: list[Entity], parent: Entity) -> None:
        for item in copy.deepcopy(items or []):
            item |= copy.deepcopy(parent)
            if collection == "plugins":
                self._plugins.append(item)
                continue
            children = {name: item.pop(name, None) for name in CHILDREN.get(collection, ())}
            groups = item.pop("groups", None) or []
            _split_url(item)
            made = self._add(collection, item)
            if collection == "consumers":
                self._groups += [(group["name"], made["id"]) for group in groups]
            own = {SINGULAR.get(collection, "certificate"): {"id": made["id"]}}
            for name, nested in children.items():
                self._level(name, nested, own)

    def _add(self, collection: str, entity: Entity) -> Entity:
        if self._tags:
            entity["tags"] = sorted({*(entity.get("tags") or ()), *self._tags})
        entity.setdefault("id", self._known(collection, entity) or str(uuid4()))
        self.state.setdefault(collection, {})[entity["id"]] = entity
        return entity

    def _known(self, collection: str, entity: Entity) -> str | None:
        name = CREDENTIALS[collection][2] if collection in CREDENTIALS else NAMES.get(collection)
        keys = [name] if name else ["target", "upstream"]
        if collection == "plugins":
            keys = ["name", "instance_name", "service", "route", "consumer", "consumer_group"]
        if collection in ("acls", "mtls_auth_credentials"):
            keys.append("consumer")
        for found in self._live.get(collection, {}).values():
            if all(found.get(key) == entity.get(key) for key in keys):
                return str(found["id"])
        return None

    def _plugin(self, plugin: Entity) -> None:
        named = plugin.pop("_config", None)
        if named is not None:
            config = copy.deepcopy(self._configs[named])
            plugin["config"] = {**config, **(plugin.get("config") or {})}
        for collection, one in SINGULAR.items():
            if isinstance(plugin.get(one), str):
                plugin[one] = {"id": self._id_of(collection, plugin[one])}
        for link in plugin.get("partials") or ():
            link["id"] = self._id_of("partials", link.get("id") or link["name"])
            name = self.state["partials"][link["id"]].get("name")
            link |= {} if name is None else {"name": name}
        self._add("plugins", plugin)

    def _id_of(self, collection: str, name: str) -> str:
        rows = self.state[collection].values()
        key = NAMES[collection]
        return next(str(row["id"]) for row in rows if name in (row.get(key), row["id"]))


def _split_url(entity: Entity) -> None:
    url = entity.pop("url", None)
    if url is None:
        return
    protocol, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    host, _, port = authority.partition(":")
    entity |= {"protocol": protocol, "host": host, "path": slash + path or None}
    entity["port"] = int(port or {"http": 80, "https": 443}[protocol])


def _comparable(value: Any) -> Any:
    if isinstance(value, dict):
        found = {name: _comparable(item) for name, item in value.items() if name not in TIMES}
        if isinstance(found.get("tags"), list):
            found["tags"] = sorted(found["tags"]) or None
        return {name: item for name, item in found.items() if item is not None}
    return [_comparable(item) for item in value] if isinstance(value, list) else value


def _nested(state: State) -> Entity:
    """Return the file of a state: children in their parents, without ids and times."""
    shown = {
        collection: {name: copy.deepcopy(row) for name, row in rows.items()}
        for collection, rows in state.items()
        if collection != "memberships"
    }
    for membership in state["memberships"]:
        group, _, consumer = membership.partition("/")
        name = {"name": shown["consumer_groups"][group]["name"]}
        shown["consumers"][consumer].setdefault("groups", []).append(name)
    file: Entity = {"_format_version": "3.0"}
    for collection, rows in shown.items():
        for row in rows.values():
            _place_row(file, shown, collection, row)
    for collection, rows in shown.items():
        for row in rows.values():
            # decK lets partials keep theirs, by which plugins are linked to them.
            kept = NAMES.get(collection) == "id" or collection == "partials"
            for field in (*TIMES, *([] if kept else ["id"])):
                row.pop(field, None)
    return file


def _place_row(file: Entity, shown: State, collection: str, row: Entity) -> None:
    keys = [one for one in (*SINGULAR.values(), "certificate") if isinstance(row.get(one), dict)]
    parents = {one: row[one]["id"] for one in keys}
    plural = {one: many for many, one in SINGULAR.items()} | {"certificate": "certificates"}
    if len(parents) == 1 and not (collection == "plugins" and "certificate" in parents):
        ((one, name),) = parents.items()
        del row[one]
        shown[plural[one]][name].setdefault(collection, []).append(row)
        return
    for one, name in parents.items():
        parent = shown[plural[one]][name]
        row[one] = parent[NAMES[plural[one]]]
    file.setdefault(collection, []).append(row)
