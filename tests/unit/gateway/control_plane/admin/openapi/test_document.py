# SPDX-License-Identifier: Apache-2.0
"""``/openapi.json`` says of every route what it takes and answers, and answers are as it says."""

from __future__ import annotations

import asyncio
import os
import random
import re
from pathlib import Path
from typing import Any

from gateway.control_plane.admin.workspaces import KINDS
from tests.support.control_plane import Place, make, running
from tests.support.openapi_client import compiled

TOKEN = "planted-admin-token"
ADMIN = {"Kong-Admin-Token": TOKEN}


async def document(place: Place) -> dict[str, Any]:
    """Return the document of a control plane."""
    reply = await place.ask("GET", "/openapi.json", headers=ADMIN)
    assert reply.status == 200
    found: dict[str, Any] = reply.body
    return found


async def test_every_path_is_described_but_those_that_only_kong_has(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        paths = (await document(place))["paths"]
        listed = (await place.ask("GET", "/endpoints", headers=ADMIN)).body["data"]
    assert "/services/{key}" in paths
    elsewhere = {f"/{kind}" for kind in KINDS} | {f"/{kind}/{{}}" for kind in KINDS}
    summaries = [one["summary"] for path in paths.values() for one in path.values()]
    assert "Not described." not in summaries, "give each call a line in openapi/operations.py"
    # Two routes may have the same path with other names in it.
    assert set(map(_plain, listed)) - elsewhere == set(map(_plain, paths))


def _plain(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


async def test_references_lead_somewhere_and_names_of_operations_are_unique(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        found = await document(place)
    assert found["openapi"] == "3.1.0"

    def references(value: Any) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(references, value))
        if not isinstance(value, dict):
            return set()
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))

    for reference in references(found):
        inside: Any = found
        for step in reference.removeprefix("#/").split("/"):
            inside = inside[step]
    ids = [one["operationId"] for path in found["paths"].values() for one in path.values()]
    assert len(ids) == len(set(ids))


async def test_fields_of_entities_are_those_of_the_models(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        schemas = (await document(place))["components"]["schemas"]
    service = schemas["Service"]
    assert service["properties"]["port"]["description"]
    assert set(service["required"]) == set(service["properties"])
    assert schemas["ServiceWrite"]["required"] == ["host"]
    assert "url" in schemas["ServiceWrite"]["properties"]
    assert "required" not in schemas["ServicePatch"]
    assert schemas["RouteWrite"]["properties"]["service"]["anyOf"][-1] == {"type": "null"}


async def _one_of_each(place: Place) -> dict[str, list[str]]:
    """Make some entities; return their keys by collection."""
    place.headers = ADMIN
    known: dict[str, list[str]] = {}
    for path, body in (
        ("/services", {"name": "a", "host": "a.test"}),
        ("/routes", {"name": "a", "paths": ["/a"], "service": {"name": "a"}}),
        ("/consumers", {"username": "a", "custom_id": "c"}),
        ("/consumer_groups", {"name": "a"}),
        ("/upstreams", {"name": "a"}),
        ("/plugins", {"name": "key-auth", "route": {"name": "a"}}),
        ("/consumers/a/key-auth", {"key": "k"}),
        ("/upstreams/a/targets", {"target": "127.0.0.1:1"}),
        ("/vaults", {"name": "env", "prefix": "my-env"}),
    ):
        made = await make(place, path, **body)
        collection = path.split("/")[1]
        known.setdefault(collection, []).extend([made["id"], "a"])
    known["releases"] = ["1", "2", "99"]
    known["holds"] = ["0"]
    known["schemas"] = ["services", "plugins", "key-auth", "env"]
    return known


async def test_answers_are_as_described_and_none_is_an_error_of_ours(tmp_path: Path) -> None:
    # Late: every worker that collects the tests would load schemathesis, and one runs this.
    from tests.support.openapi_calls import attack

    number = int(os.environ.get("OPENAPI_SEED") or random.SystemRandom().randrange(10**6))
    seconds = float(os.environ.get("OPENAPI_SECONDS") or 12)
    async with running(tmp_path, admin_token=TOKEN) as place:
        known = await _one_of_each(place)
        url = f"http://127.0.0.1:{place.port('admin')}"
        described = await document(place)
        found = await asyncio.to_thread(attack, url, described, ADMIN, known, seconds, number)
    texts = [f"{label}\n{text}" for label, text in found.problems.items()]
    assert not texts, "\n\n".join([f"OPENAPI_SEED={number}", *texts])
    assert found.calls > 100
    assert found.statuses.get(200, 0) > 10


async def test_a_client_made_of_it_is_checked_by_its_types(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        described = await document(place)
    right = [
        'const made = await client.POST("/services", { body: { name: "a", host: "a.test" } });',
        "const port: number | null = made.data!.port;",
        'const page = await client.GET("/routes", { params: { query: { size: 10 } } });',
        "const paths: string[] | null | undefined = page.data?.data[0]?.paths;",
        'const done = await client.POST("/releases", { body: { owner: "a", document: {} } });',
        "if (done.error) { const text: string = done.error.message; }",
        "const number: number = done.data!.number;",
    ]
    wrong = [
        'await client.POST("/services", { body: { name: 1, host: "a.test" } });',
        'await client.POST("/services", { body: { name: "a" } });',
        'await client.GET("/bananas");',
        'const one = await client.GET("/tokens/{key}", { params: { path: { key: "a" } } });',
        "const name: number = one.data!.name;",
    ]
    found = await asyncio.to_thread(compiled, described, right=right, wrong=wrong)
    assert found == {"right": set(), "wrong": {0, 1, 2, 4}}
