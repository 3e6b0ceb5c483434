# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import orjson
import pytest

from gateway.data_plane.master.cached_responses import CachedResponses
from gateway.http.messages import Pending
from gateway.plugins.node_store import NodeStore
from gateway.plugins.proxy_cache.entry import CachedResponse, pack_names
from tests.support.producing import request

PLUGIN = "aaaaaaaa-0000-4000-8000-000000000001"
KEY, OTHER = "0" * 64, "1" * 64


@pytest.fixture
def store() -> NodeStore:
    store = NodeStore()
    for key in (KEY, OTHER):
        base = f"proxy-cache:{key}:{PLUGIN}"
        store.put(base, pack_names([]), 60)
        entry = CachedResponse(200, [(b"X-A", b"1")], b"body", 1.0, 60)
        store.put(f"{base}:{'2' * 64}", entry.pack(), 60)
    store.put(f"proxy-cache-advanced:{KEY}:{PLUGIN}", b"", 60)
    return store


async def ask(store: NodeStore, path: str, method: str = "GET") -> tuple[int, bytes]:
    asked = request(path, method)
    cached = CachedResponses(store)
    assert cached.concerns(asked)
    found = cached.respond(asked)
    response = await found if isinstance(found, Pending) else found
    assert isinstance(response.body, bytes)
    return response.status, response.body


@pytest.mark.parametrize("path", [f"/proxy-cache/{KEY}", f"/proxy-cache/{PLUGIN}/caches/{KEY}"])
async def test_one_is_shown_and_removed_by_its_key(store: NodeStore, path: str) -> None:
    status, body = await ask(store, path)
    assert status == 200
    assert orjson.loads(body)["body"] == "body"
    assert (await ask(store, path, "DELETE"))[0] == 204
    assert (await ask(store, path))[0] == 404
    assert (await ask(store, path, "DELETE"))[0] == 404
    assert (await ask(store, f"/proxy-cache/{OTHER}"))[0] == 200


async def test_all_are_removed_at_once(store: NodeStore) -> None:
    assert (await ask(store, "/proxy-cache", "DELETE"))[0] == 204
    assert (await ask(store, f"/proxy-cache/{OTHER}"))[0] == 404
    assert len(store) == 1, "the other plugin's stay"
    assert (await ask(store, "/proxy-cache", "DELETE"))[0] == 204


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/proxy-cache", 405),
        ("POST", f"/proxy-cache/{KEY}", 405),
        ("GET", "/proxy-cache/short", 404),
        ("GET", f"/proxy-cache/{OTHER[:36]}/caches/{KEY}", 404),
        ("DELETE", "/proxy-cache/", 404),
    ],
)
async def test_what_is_not_there(store: NodeStore, method: str, path: str, status: int) -> None:
    assert (await ask(store, path, method))[0] == status
