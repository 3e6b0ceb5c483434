# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.control_plane import make, names, running


async def test_every_path_may_begin_with_the_default_workspace(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await make(place, "/default/services", name="a", host="a.test")
        assert await names(place, "/services") == await names(place, "/default/services") == ["a"]
        for path in ("/default", "/default/", "/default/kong", "/kong"):
            assert (await place.ask("GET", path)).body["version"] == "3.10.0"
        assert (await place.ask("PATCH", "/default/services/a", {"retries": 1})).status == 200
        assert (await place.ask("DELETE", "/default/services/a")).status == 204
        assert (await place.ask("GET", "/default/default/services")).status == 404
        assert (await place.ask("GET", "/other/services")).status == 404


async def test_there_is_one_workspace(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        # As decK asks for one that is named.
        found = await place.ask("GET", "/default/workspaces/default")
        assert (found.status, found.body["name"]) == (200, "default")
        assert (await place.ask("GET", "/other/workspaces/other")).status == 404
        assert (await place.ask("GET", "/workspaces/other")).status == 404
        listed = (await place.ask("GET", "/workspaces")).body["data"]
        assert [one["name"] for one in listed] == ["default"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/workspaces"),
        ("DELETE", "/workspaces/default"),
        ("POST", "/filter-chains"),
        ("PUT", "/licenses/x"),
        ("POST", "/rbac/roles"),
    ],
)
async def test_what_kong_can_and_this_gateway_cannot_is_said(
    tmp_path: Path, method: str, path: str
) -> None:
    async with running(tmp_path) as place:
        reply = await place.ask(method, path, {"name": "x"} if method != "DELETE" else None)
        assert (reply.status, reply.body["code"]) == (405, 12), reply
        assert reply.body["name"] == "operation unsupported"
        if "workspaces" not in path:
            assert (await place.ask("GET", path)).body == {"message": "Not found"}
