# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.control_plane.admin.paths import nestings, top_collections, top_path


def test_credentials_have_kongs_paths_on_their_own_and_in_their_consumer() -> None:
    assert top_path("keyauth_credentials") == "/key-auths"
    assert top_path("services") == "/services"
    inside = {
        nesting.child: nesting.path for nesting in nestings() if nesting.parent == "consumers"
    }
    assert inside["keyauth_credentials"] == "/consumers/{parent}/key-auth"
    assert inside["acls"] == "/consumers/{parent}/acls"


def test_targets_are_only_found_in_their_upstream() -> None:
    assert "targets" not in top_collections()
    (nesting,) = [nesting for nesting in nestings() if nesting.child == "targets"]
    assert (nesting.path, nesting.field) == ("/upstreams/{parent}/targets", "upstream")
