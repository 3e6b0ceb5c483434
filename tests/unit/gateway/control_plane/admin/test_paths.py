# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from gateway.control_plane.admin.paths import nestings, top_collections, top_path
from tests.support.control_plane import make, running


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
