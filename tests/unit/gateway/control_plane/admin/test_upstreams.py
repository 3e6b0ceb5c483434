# SPDX-License-Identifier: Apache-2.0
"""The health of upstreams on a control plane, which proxies nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.control_plane import make, running


async def test_targets_are_shown_without_health_and_with_the_place_where_it_is(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as place:
        upstream = await make(place, "/upstreams", name="up")
        targets = [
            await make(place, "/upstreams/up/targets", target=f"10.0.0.{n}:80") for n in range(3)
        ]
        await make(place, "/upstreams", name="other")
        await make(place, "/upstreams/other/targets", target="10.0.0.9:80")
        by_id = sorted(targets, key=lambda row: str(row["id"]))
        for name in ("up", upstream["id"]):
            reply = await place.ask("GET", f"/upstreams/{name}/health")
            assert reply.status == 200
            assert reply.body["data"] == by_id
            assert reply.body["next"] is None
            assert reply.body["node_id"]
            assert "a data plane's status API" in reply.headers["Warning"]
        first = await place.ask("GET", "/upstreams/up/health?size=2")
        rest = await place.ask("GET", first.body["next"])
        assert first.body["data"] + rest.body["data"] == by_id
        whole = await place.ask("GET", "/upstreams/up/health?balancer_health=1")
        assert set(whole.body) == {"next", "node_id"}


async def test_all_targets_are_listed(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await make(place, "/upstreams", name="up")
        one = await make(place, "/upstreams/up/targets", target="10.0.0.1:80", weight=0)
        for path in ("/upstreams/up/targets", "/upstreams/up/targets/all"):
            reply = await place.ask("GET", path)
            assert reply.body == {"data": [one], "next": None}


@pytest.mark.parametrize("word", ["healthy", "unhealthy"])
async def test_health_cannot_be_set_where_nothing_is_balanced(tmp_path: Path, word: str) -> None:
    async with running(tmp_path) as place:
        await make(place, "/upstreams", name="up")
        one = await make(place, "/upstreams/up/targets", target="10.0.0.1:80")
        for key in (one["id"], one["target"]):
            for path in (f"{key}/{word}", f"{key}/10.0.0.1:80/{word}"):
                reply = await place.ask("POST", f"/upstreams/up/targets/{path}")
                assert reply.status == 400
                assert reply.body == {"message": "Upstream up has no balancer"}
                assert "KONG_STATUS_LISTEN" in reply.headers["Warning"]
        gone = await place.ask("POST", f"/upstreams/up/targets/10.0.0.2:80/{word}")
        assert gone.status == 404


async def test_an_upstream_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        for path in ("health", "targets/all", "targets"):
            assert (await place.ask("GET", f"/upstreams/none/{path}")).status == 404
        assert (await place.ask("POST", "/upstreams/none/targets/a/healthy")).status == 404
