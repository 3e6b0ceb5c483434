# SPDX-License-Identifier: Apache-2.0
"""A fake of Konnect's API on a real socket: control planes, certificates, core entities.

It answers in the shapes of Konnect's Control Planes API (v2) and keeps all in memory. It proves
which calls are made and in which order, nothing about Konnect itself.
"""

from __future__ import annotations

import http.server
import json
import urllib.parse
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gateway.entities import ENTITIES
from gateway.schema import entity_schema, plugin_schema
from tests.support.serving import serving

ORGANIZATION = "6f5b7a0c-5b0b-4f4e-8f5e-3f6d3c1b2a10"
ENDPOINTS = ("https://abc123.us.cp.test:443", "https://abc123.us.tp.test:443")

CREDENTIALS = {
    "key-auth": "key-auths",
    "basic-auth": "basic-auths",
    "hmac-auth": "hmac-auths",
    "jwt": "jwts",
    "acls": "acls",
}
"""Written below a consumer only, by the path there and that of the collection."""


class FakeKonnect:
    """Konnect with one personal access token."""

    def __init__(self, token: str = "kpat_fake") -> None:
        self.token = token
        self.planes: dict[str, dict[str, Any]] = {}
        self.certificates: dict[str, dict[str, Any]] = {}
        self.entities: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, str]] = []
        self.too_many: list[str] = []
        """A Retry-After for each of the next calls, which are refused."""
        self.url = ""

    @contextmanager
    def running(self) -> Iterator[FakeKonnect]:
        """Serve on a loopback port."""
        konnect = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                status: int = 401
                answer: Any = {"status": 401, "title": "Unauthorized", "detail": "Unauthenticated"}
                answer["message"] = answer["detail"]
                after = ""
                if konnect.too_many:
                    status, after = 429, konnect.too_many.pop(0)
                    answer = {"message": "API rate limit exceeded"}
                elif self.headers.get("Authorization") == f"Bearer {konnect.token}":
                    konnect.calls.append((self.command, self.path.partition("?")[0]))
                    status, answer = konnect.answer(self.command, self.path, body)
                content = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(status)
                if after:
                    self.send_header("Retry-After", after)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        with serving(Handler) as self.url:
            yield self

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        """Return status and body for one request."""
        split = urllib.parse.urlsplit(target)
        query = dict(urllib.parse.parse_qsl(split.query))
        match split.path.strip("/").split("/"):
            case ["konnect-api", "api", "runtime_groups"]:
                found = [{"id": one["id"], "name": one["name"]} for one in self.planes.values()]
                return 200, {"data": found, "page": 1, "pageCount": 1}
            case ["v2", "organizations", "me"]:
                return 200, {"id": ORGANIZATION, "name": "fake"}
            case ["v2", "control-planes", _, "core-entities", "v1", "schemas", "json", singular]:
                return _json_schema(singular)
            case ["v2", "control-planes", _, "core-entities", "schemas", "plugins", name]:
                return 200, plugin_schema(name)
            case ["v2", "control-planes"]:
                return self._planes(method, query, body)
            case ["v2", "control-planes", identity]:
                return self._one(self.planes, identity, method, body)
            case ["v2", "control-planes", _, "dp-client-certificates"]:
                return self._certificates(method, body)
            case ["v2", "control-planes", _, "dp-client-certificates", identity]:
                return self._one(self.certificates, identity, method, body)
            case ["v2", "control-planes", _, "core-entities", kind]:
                return self._list(kind, query)
            case ["v2", "control-planes", _, "core-entities", "consumers", owner, kind, identity]:
                if owner not in self.entities.get("consumers", {}):
                    return 404, {"status": 404, "title": "Not Found"}
                if body is not None:
                    body = {**body, "consumer": {"id": owner}}
                return self._entity(CREDENTIALS[kind], urllib.parse.unquote(identity), method, body)
            case ["v2", "control-planes", _, "core-entities", kind, identity]:
                if kind in CREDENTIALS.values() and method != "GET":
                    return 405, {"status": 405, "title": "Method Not Allowed"}
                return self._entity(kind, urllib.parse.unquote(identity), method, body)
        return 404, {"status": 404, "title": "Not Found"}

    def _planes(self, method: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if method == "GET":
            name, _, value = query.get("labels", "").partition(":")
            found = [p for p in self.planes.values() if not name or p["labels"].get(name) == value]
            return 200, {"meta": {"page": {"total": len(found)}}, "data": found}
        if not body["name"].strip():
            wrong = [{"field": "name", "reason": "should not be blank"}]
            return 400, {"status": 400, "title": "Bad Request", "invalid_parameters": wrong}
        identity = str(uuid.uuid4())
        config = {
            "control_plane_endpoint": ENDPOINTS[0],
            "telemetry_endpoint": ENDPOINTS[1],
            "cluster_type": body.get("cluster_type", "CLUSTER_TYPE_CONTROL_PLANE"),
            "auth_type": body.get("auth_type", "pinned_client_certs"),
        }
        kept = {name: body.get(name) for name in ("name", "description", "labels")}
        self.planes[identity] = {"id": identity, "config": config, **kept}
        return 201, self.planes[identity]

    def _certificates(self, method: str, body: Any) -> tuple[int, Any]:
        if method == "GET":
            items = list(self.certificates.values())
            return 200, {"items": items, "page": {"total_count": len(items)}}
        identity = str(uuid.uuid4())
        self.certificates[identity] = {"id": identity, "created_at": 1, "updated_at": 1, **body}
        return 201, {"item": self.certificates[identity]}

    def _one(
        self, things: dict[str, dict[str, Any]], identity: str, method: str, body: Any
    ) -> tuple[int, Any]:
        if identity not in things:
            return 404, {"status": 404, "title": "Not Found"}
        if method == "DELETE":
            del things[identity]
            if things is self.planes and not self.planes:
                # What a control plane holds goes with it; no test has two that hold something.
                self.certificates.clear()
                self.entities.clear()
            return 204, None
        if method == "PATCH":
            things[identity].update(body)
        return 200, things[identity]

    def _list(self, kind: str, query: dict[str, str]) -> tuple[int, Any]:
        rows = self.entities.get(kind, {}).values()
        tag = query.get("tags")
        found = [row for row in rows if tag is None or tag in row["tags"]]
        return 200, {"data": found, "offset": None}

    def _entity(self, kind: str, identity: str, method: str, body: Any) -> tuple[int, Any]:
        rows = self.entities.setdefault(kind, {})
        if method == "DELETE":
            rows.pop(identity, None)
            return 204, None
        # Konnect has defaults of its own, some of them for fields that we do not know.
        rows[identity] = {"tls_sans": None, **body, "id": identity, "created_at": 1}
        return 200, rows[identity]


def _json_schema(singular: str) -> tuple[int, Any]:
    """Return the JSON Schema of an entity, by the word for one of them."""
    found = next((one.collection for one in ENTITIES.values() if one.singular == singular), None)
    if found is None:
        return 404, {"status": 404, "title": "Not Found"}
    fields = {name: one for field in entity_schema(found)["fields"] for name, one in field.items()}
    kept = ("type", "default")
    return 200, {
        "properties": {
            name: {key: one[key] for key in kept if key in one} for name, one in fields.items()
        }
    }
