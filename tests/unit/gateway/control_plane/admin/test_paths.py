# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import pytest

from gateway.control_plane.admin.paths import nestings, shown_path, top_collections, top_path
from tests.support.control_plane import make, names, running


def test_credentials_have_kongs_paths_on_their_own_and_in_their_consumer() -> None:
    assert top_path("keyauth_credentials") == "/key-auths"
    assert top_path("services") == "/services"
    inside = {
        nesting.child: nesting.path for nesting in nestings() if nesting.parent == "consumers"
    }
    assert inside["keyauth_credentials"] == "/consumers/{parent}/key-auth"
    assert inside["acls"] == "/consumers/{parent}/acls"


async def test_a_path_without_names_has_its_own_methods_and_no_others(tmp_path: Path) -> None:
    paths = {
        "/plugins/enabled": ["GET", "HEAD", "OPTIONS"],
        "/schemas/plugins/validate": ["OPTIONS", "POST"],
        "/upstreams/u/targets/all": ["GET", "HEAD", "OPTIONS"],
        "/plugins/x": ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "PUT"],
    }
    async with running(tmp_path) as place:
        await make(place, "/upstreams", name="u")
        for path, methods in paths.items():
            reply = await place.ask("OPTIONS", path)
            assert (reply.status, reply.headers["Allow"]) == (204, ", ".join(methods)), path
            for method in {"GET", "PUT", "PATCH", "DELETE"} - set(methods):
                refused = await place.ask(method, path, {})
                assert (refused.status, refused.headers["Allow"]) == (405, ", ".join(methods))


def test_targets_are_only_found_in_their_upstream() -> None:
    assert "targets" not in top_collections()
    (nesting,) = [nesting for nesting in nestings() if nesting.child == "targets"]
    assert (nesting.path, nesting.field) == ("/upstreams/{parent}/targets", "upstream")


@pytest.mark.parametrize("key", ["team/ann", "a%2Fb", "a?b#c", "é/é", "a//b/"])
async def test_a_key_is_found_whatever_is_in_it(tmp_path: Path, key: str) -> None:
    async with running(tmp_path) as place:
        await make(place, "/consumers", username=key)
        path = f"/consumers/{quote(key, safe='')}"
        for value in ("one/1", "two%2F"):
            made = await place.ask("POST", f"{path}/acls", {"group": value})
            assert made.status == 201
            within = f"{path}/acls/{quote(value, safe='')}"
            assert (await place.ask("GET", within)).body["group"] == value
        first = await place.ask("GET", f"{path}/acls?size=1")
        second = await place.ask("GET", first.body["next"])
        groups = [one["group"] for page in (first, second) for one in page.body["data"]]
        assert sorted(groups) == ["one/1", "two%2F"]
        assert (await place.ask("DELETE", path)).status == 204
        assert (await place.ask("GET", "/consumers")).body["data"] == []


async def test_a_path_that_ends_in_a_slash_is_the_one_without(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        for path in ("/services/", "/default/services/"):
            made = await place.ask(
                "POST", path, {"name": "a", "host": "a.test"}, allow_redirects=False
            )
            assert made.status == 201
            assert await names(place, path) == ["a"]
            allowed = await place.ask("OPTIONS", path, allow_redirects=False)
            assert allowed.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
            assert (await place.ask("DELETE", "/services/a/", allow_redirects=False)).status == 204
        for owner in ("a", "a/b", "a/"):
            document = {"services": {"of": {"url": "http://h.test/"}}}
            body = {"owner": owner, "document": document}
            assert (await place.ask("POST", "/releases?wait=0", body)).status == 201
            for slashes in ("", "/", "//"):
                path = f"/owners/{owner.replace('a/', 'a%2F')}{slashes}"
                assert (await place.ask("GET", path)).status == 200
            assert (await place.ask("DELETE", path, allow_redirects=False)).status == 204
        assert (await place.ask("GET", "/owners/")).body["data"] == []
        assert (await place.ask("DELETE", "/owners/")).status == 405
        for owner in ("a", "a/b", "a/"):
            document = {"services": {"of": {"url": "http://h.test/"}}}
            await place.publish(document, owner=owner)
            for slashes in ("", "/", "//"):
                path = f"/owners/{owner.removesuffix('/')}{'%2F' * owner.endswith('/')}{slashes}"
                assert (await place.ask("GET", path, allow_redirects=False)).status == 200
            assert (await place.ask("DELETE", path, allow_redirects=False)).status == 204
        assert (await place.ask("GET", "/owners/")).body["data"] == []
        assert (await place.ask("DELETE", "/owners/")).status == 405
        for path in ("/bananas/", "//", "/owners/none/"):
            assert (await place.ask("GET", path, allow_redirects=False)).status == 404


async def test_a_head_has_the_headers_of_its_get(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        partial = await make(place, "/partials", type="redis-ce", config={"host": "r.test"})
        config = {"minute": 5, "policy": "redis"}
        links = [{"id": partial["id"]}]
        plugin = await make(place, "/plugins", name="rate-limiting", config=config, partials=links)
        for path in ("/plugins", f"/plugins/{plugin['id']}"):
            got = await place.ask("GET", path)
            asked = await place.ask("HEAD", path)
            assert asked.headers["Content-Length"] == got.headers["Content-Length"]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/key-auths/secret", "/key-auths/…"),
        ("/key-auths/secret/", "/key-auths/…/"),
        ("/key-auths/sec/ret", "/key-auths/…/…"),
        ("/default/default/key-auths/secret", "/default/default/key-auths/…"),
        ("/key-auths/secret/consumer", "/key-auths/…/consumer"),
        ("/consumers/ann/key-auth/secret/none", "/consumers/ann/key-auth/…/…"),
        (f"/key-auths/{'ab' * 16}", "/key-auths/…"),
        (f"/key-auths/{UUID(int=1)}", f"/key-auths/{UUID(int=1)}"),
        ("/consumers/secretary/acls/staff", "/consumers/secretary/acls/staff"),
    ],
)
def test_a_path_is_shown_without_keys_that_may_be_secret_right_or_wrong(
    path: str, shown: str
) -> None:
    assert shown_path(path) == shown
