# SPDX-License-Identifier: Apache-2.0
"""What each call answers that is not about one entity: one table, by method and path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.control_plane.admin.entities import WAIT
from gateway.control_plane.admin.openapi.schemas import JsonSchema, reference
from gateway.control_plane.admin.owners import OWNER
from gateway.control_plane.holds import HEADER as HOLD

STRING: JsonSchema = {"type": "string"}
INTEGER: JsonSchema = {"type": "integer"}
OBJECT: JsonSchema = {"type": "object"}
TEXT: JsonSchema = {"type": ["string", "null"]}
NUMBER_OR_NULL: JsonSchema = {"type": ["integer", "null"]}

READ_ERRORS = (400, 401, 403, 404, 429, 503)
WRITE_ERRORS = (400, 401, 403, 404, 405, 409, 413, 415, 429, 503, 507)


@dataclass(frozen=True)
class Operation:
    """One call: what it takes and answers."""

    summary: str
    answer: JsonSchema | None = None
    """None: there is no body, and the status is 204."""
    status: int = 200
    body: JsonSchema | None = None
    query: tuple[str, ...] = ()
    """Names in ``QUERY``."""
    headers: tuple[str, ...] = ()
    """Names in ``HEADERS``."""
    form: bool = False
    """Whether the body may be a form."""
    ids: tuple[str, ...] = ()
    """Names in the path that are ids, where nothing else names what they are about."""
    unchanged: bool = False
    """Whether it may answer 304, without a body."""
    open: bool = False
    """Whether nobody is asked for a token."""
    errors: tuple[int, ...] = READ_ERRORS


def listed(item: JsonSchema, **more: JsonSchema) -> JsonSchema:
    """Return the schema of one page of a list."""
    properties = {"data": {"type": "array", "items": item}, "next": TEXT, "offset": STRING}
    return record(properties | more, "data", "next")


def record(properties: dict[str, JsonSchema], *required: str) -> JsonSchema:
    """Return the schema of an object with these fields and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _whole(**properties: JsonSchema) -> JsonSchema:
    return record(properties, *properties)


_WHO = {"who": TEXT, "message": TEXT, "wait": {"type": "number", "minimum": 0, "maximum": 600}}
_RELEASE = {
    "number": INTEGER,
    "hash": TEXT,
    "created_at": INTEGER,
    "who": STRING,
    "from": TEXT,
    "with": TEXT,
    "message": STRING,
}
_VERDICT = _whole(
    id=STRING,
    hostname=STRING,
    status={"enum": ["confirmed", "refused", "incompatible", "timeout"]},
    error=TEXT,
)
_TOKEN = {
    "id": STRING,
    "name": STRING,
    "roles": {"type": "array", "items": STRING},
    "owners": {"type": "array", "items": STRING},
    "state": {"enum": ["active", "expired", "revoked"]},
    "created_at": INTEGER,
    "created_by": STRING,
    "expires_at": NUMBER_OR_NULL,
    "last_used": NUMBER_OR_NULL,
    "revoked_at": NUMBER_OR_NULL,
}
SCHEMAS: dict[str, JsonSchema] = {
    "Error": {
        "type": "object",
        "description": "What is wrong, as Kong says it: `code`, `name` and `fields` where it has "
        "them; `problems` are full sentences with advice.",
        "properties": {
            "message": STRING,
            "code": INTEGER,
            "name": STRING,
            "fields": OBJECT,
            "problems": {"type": "array", "items": STRING},
        },
        "required": ["message"],
    },
    "Message": _whole(message=STRING),
    "Release": _whole(**_RELEASE),
    "WholeRelease": _whole(**_RELEASE, configuration=OBJECT),
    "Published": _whole(
        **_RELEASE,
        unchanged={"type": "boolean"},
        data_planes={"type": "array", "items": _VERDICT},
        warnings={"type": "array", "items": STRING},
    ),
    "Hold": _whole(
        name=STRING,
        who=STRING,
        state=STRING,
        writes=INTEGER,
        summary=STRING,
        release=NUMBER_OR_NULL,
    ),
    "Token": _whole(**_TOKEN),
    "NewToken": _whole(**_TOKEN, token=STRING),
    "AuditEntry": {
        "type": "object",
        "properties": {
            "request_id": STRING,
            "request_timestamp": INTEGER,
            "client_ip": STRING,
            "method": STRING,
            "path": STRING,
            "payload": TEXT,
            "removed_from_payload": TEXT,
            "status": INTEGER,
            "rbac_user_id": TEXT,
            "rbac_user_name": STRING,
            "roles": {"type": "array", "items": STRING},
            "release": NUMBER_OR_NULL,
            "ttl": INTEGER,
        },
        "required": ["request_id", "request_timestamp", "method", "path", "status", "ttl"],
    },
    "Tag": _whole(entity_name=STRING, entity_id=STRING, tag=STRING),
    "Workspace": _whole(
        id=STRING,
        name=STRING,
        comment=TEXT,
        config=OBJECT,
        meta=OBJECT,
        created_at=INTEGER,
        updated_at=INTEGER,
    ),
}
"""Schemas of what is no entity."""

QUERY: dict[str, JsonSchema] = {
    "size": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
    "offset": {"type": "string", "minLength": 1, "description": "As the page before says it."},
    "tags": {
        "type": "string",
        "pattern": "^[^,/]+((,[^,/]+)*|(/[^,/]+)*)$",
        "description": "`a,b`: both; `a/b`: one of them.",
    },
    "owner_tags": {"type": "boolean", "description": "Show the tags of owners."},
    "expand_partials": {"type": "boolean", "description": "Show what partials say, too."},
    "custom_id": STRING,
    "to": INTEGER,
    "wait": {"type": "number", "minimum": 0, "maximum": 600},
    "who": STRING,
    "owner": STRING,
    "message": STRING,
    "check_hash": {"enum": [0, 1], "description": "304 where nothing would change."},
    "flatten_errors": {"enum": [0, 1], "description": "Errors by entity."},
}
HEADERS: dict[str, JsonSchema] = {
    OWNER: {
        "type": "string",
        "description": "Owners whose entities may be changed, with commas; `*`: all.",
    },
    WAIT: {
        "type": "number",
        "minimum": 0,
        "maximum": 600,
        "description": "Seconds to wait for data planes.",
    },
    HOLD: {
        "type": "string",
        "pattern": "^[A-Za-z0-9._-]{1,100}$",
        "description": "The hold that it belongs to.",
    },
}

_OWNER: JsonSchema = {"type": "string", "minLength": 1, "maxLength": 1000}
_TAGS: JsonSchema = {"anyOf": [{"type": "array", "items": STRING}, {"type": "null"}]}
_PUBLISH_BODY = record(
    {"owner": _OWNER, "document": OBJECT, "select_tags": _TAGS, **_WHO}, "owner", "document"
)
_WHO_BODY = record(_WHO)


def _write(summary: str, answer: JsonSchema | None, **more: Any) -> Operation:
    return Operation(summary, answer, errors=WRITE_ERRORS, **more)


def _members(side: str, other: str, given: str) -> dict[tuple[str, str], Operation]:
    path = f"/{side}/{{one}}/{other}"
    name = {"type": "string", "minLength": 1}
    body = record(
        {given: {"anyOf": [name, {"type": "array", "items": name, "minItems": 1}]}}, given
    )
    return {
        ("GET", path): Operation(f"List the {other} of one of the {side}.", OBJECT),
        ("POST", path): _write("Put both together.", OBJECT, status=201, body=body),
        ("DELETE", path): _write("Take all apart.", None),
        ("GET", f"{path}/{{other}}"): Operation("Read one of them.", OBJECT),
        ("DELETE", f"{path}/{{other}}"): _write("Take both apart.", None),
    }


PAGED = ("size", "offset")


def _health() -> dict[tuple[str, str], Operation]:
    targets = "/upstreams/{parent}/targets"
    page = {"data": {"type": "array", "items": reference("Target")}, "next": TEXT}
    found = {
        ("GET", "/upstreams/{parent}/health"): Operation(
            "List targets; data planes know how they are.",
            record({**page, "offset": STRING, "node_id": STRING}, "next", "node_id"),
            query=PAGED,
        ),
        ("GET", f"{targets}/all"): Operation(
            "List targets.", listed(reference("Target")), query=PAGED
        ),
    }
    for place in ("", "{address}/"):
        for word in ("healthy", "unhealthy"):
            for method in ("POST", "PUT"):
                path = f"{targets}/{{key}}/{place}{word}"
                found[method, path] = _write("Data planes set health, this does not: 400.", None)
    return found


UNKNOWN = Operation("Not described.", OBJECT, errors=WRITE_ERRORS)
"""A route that nobody has described; a test finds it."""
_VALIDATE = _write("Check an entity, and write nothing.", reference("Message"), body=OBJECT)

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("GET", "/"): Operation("Tell what this node is.", OBJECT),
    ("GET", "/kong"): Operation("Tell what this node is.", OBJECT),
    ("GET", "/status"): Operation("Tell how the node is.", OBJECT, open=True),
    ("GET", "/openapi.json"): Operation("Describe this API.", OBJECT),
    ("GET", "/endpoints"): Operation("List all paths.", listed(STRING)),
    ("GET", "/plugins/enabled"): Operation("List the plugins that are installed.", OBJECT),
    ("GET", "/tags"): Operation("List all tags.", listed(reference("Tag")), query=PAGED),
    ("GET", "/tags/{tag}"): Operation("List who has a tag.", listed(reference("Tag")), query=PAGED),
    ("GET", "/clustering/data-planes"): Operation("List data planes.", listed(OBJECT), query=PAGED),
    ("GET", "/clustering/status"): Operation("List data planes by id.", OBJECT),
    ("GET", "/schemas/partials/{name}"): Operation("Read a partial's schema.", OBJECT),
    ("GET", "/schemas/plugins/{name}"): Operation("Read a plugin's schema.", OBJECT),
    ("GET", "/schemas/vaults/{name}"): Operation("Read a vault's schema.", OBJECT),
    ("GET", "/schemas/{collection}"): Operation("Read an entity's schema.", OBJECT),
    ("POST", "/schemas/plugins/validate"): _VALIDATE,
    ("POST", "/schemas/{collection}/validate"): _VALIDATE,
    ("GET", "/releases"): Operation(
        "List releases, the newest first.", listed(reference("Release")), query=PAGED
    ),
    ("POST", "/releases"): _write(
        "Publish an owner's document.", reference("Published"), status=201, body=_PUBLISH_BODY
    ),
    ("GET", "/releases/{number}"): Operation("Read a release.", reference("WholeRelease")),
    ("GET", "/releases/{number}/diff"): Operation(
        "Compare releases.",
        record({"from": INTEGER, "to": INTEGER, "changes": OBJECT}, "from", "to", "changes"),
        query=("to",),
    ),
    ("POST", "/releases/{number}/rollback"): _write(
        "Go back to a release.", reference("Published"), status=201, body=_WHO_BODY
    ),
    ("GET", "/config"): Operation(
        "Show an owner's entities as a declarative configuration.",
        record({"config": STRING}, "config"),
        query=("owner",),
    ),
    ("POST", "/config"): _write(
        "Replace an owner's entities by those of a declarative configuration.",
        OBJECT,
        status=201,
        body={"anyOf": [OBJECT, STRING]},
        query=("owner", "message", "wait", "check_hash", "flatten_errors"),
        unchanged=True,
    ),
    ("GET", "/owners"): Operation(
        "List owners.", record({"data": {"type": "array", "items": _whole(name=STRING)}}, "data")
    ),
    ("GET", "/owners/{owner:path}"): Operation(
        "Read an owner's document.", _whole(document=OBJECT, release=INTEGER, hash=TEXT)
    ),
    ("DELETE", "/owners/{owner:path}"): _write(
        "Publish without an owner's entities.", None, query=("wait", "who")
    ),
    ("GET", "/holds"): Operation(
        "List holds.", record({"data": {"type": "array", "items": reference("Hold")}}, "data")
    ),
    ("GET", "/holds/{name}"): Operation("Read a hold.", reference("Hold")),
    ("DELETE", "/holds/{name}"): _write("Drop what is held.", None),
    ("POST", "/holds/{name}/publish"): _write(
        "Publish what is held as one release.",
        reference("Published"),
        status=201,
        body=_WHO_BODY,
    ),
    ("GET", "/tokens"): Operation("List tokens.", listed(reference("Token")), query=PAGED),
    ("POST", "/tokens"): _write(
        "Make a token.", reference("NewToken"), status=201, body=reference("TokenBody")
    ),
    ("GET", "/tokens/{key}"): Operation("Read what is known of a token.", reference("Token")),
    ("DELETE", "/tokens/{key}"): _write("Revoke a token.", None),
    ("GET", "/audit/requests"): Operation(
        "Read the audit log, the newest entry first.",
        listed(reference("AuditEntry"), total=INTEGER),
        query=PAGED,
    ),
    ("GET", "/partials/{key}/links"): Operation(
        "List the plugins that are linked to a partial.",
        listed(reference("Plugin")),
        query=PAGED,
    ),
    ("GET", "/workspaces"): Operation("List workspaces.", listed(reference("Workspace"))),
    ("GET", "/workspaces/{name}"): Operation("Read a workspace.", reference("Workspace")),
    ("GET", "/consumer_groups/{one}"): Operation("Read a group with its members.", OBJECT),
    **_health(),
    **_members("consumer_groups", "consumers", "consumer"),
    **_members("consumers", "consumer_groups", "group"),
}
