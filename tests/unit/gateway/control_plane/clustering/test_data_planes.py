# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from gateway.control_plane.clustering.data_planes import DataPlane, DataPlanes
from gateway.errors import ClusterError
from tests.support.waiting import PATIENCE

ROW: dict[str, Any] = {"id": "a", "hostname": "h", "last_seen": 10, "config_hash": "1" * 32}


def test_rows_of_another_version_are_read_as_far_as_they_are_known() -> None:
    found = DataPlanes([{**ROW, "shoe_size": 43}]).get("a")
    assert found is not None
    assert (found.hostname, found.sync_status) == ("h", "unknown")


def test_a_data_plane_that_comes_back_keeps_what_it_served() -> None:
    data_planes = DataPlanes([ROW])
    data_planes.see(DataPlane("a", hostname="renamed"))
    found = data_planes.get("a")
    assert found is not None
    assert (found.hostname, found.config_hash) == ("renamed", "1" * 32)
    assert data_planes.connected() == []
    data_planes.arrive("a")
    assert data_planes.connected() == ["a"]


def test_only_what_changed_is_saved_and_only_once() -> None:
    data_planes = DataPlanes([ROW, {**ROW, "id": "b"}])
    assert data_planes.take_unsaved() == []
    data_planes.see(DataPlane("b"))
    assert [row["id"] for row in data_planes.take_unsaved()] == ["b"]
    assert data_planes.take_unsaved() == []


def test_data_planes_not_seen_for_long_are_forgotten_unless_they_are_connected() -> None:
    data_planes = DataPlanes([ROW, {**ROW, "id": "b"}])
    data_planes.arrive("b")
    data_planes.purge(seen_after=100)
    assert [one.id for one in data_planes] == ["b"]


async def test_news_wakes_all_that_wait() -> None:
    data_planes = DataPlanes([ROW])
    waiting = [asyncio.create_task(data_planes.news()) for _ in range(3)]
    await asyncio.sleep(0)
    data_planes.announce()
    await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE)


def test_invented_ids_are_bounded_by_certificate() -> None:
    data_planes = DataPlanes(per_certificate=10)
    data_planes.see(DataPlane("other", certificate="another"))
    for number in range(300):
        data_planes.see(DataPlane(f"node-{number}", certificate="one"))
    known = [one.id for one in data_planes]
    assert len(known) == 11
    assert {"other", "node-299"} <= set(known)
    assert len(data_planes.take_forgotten()) == 290
    assert data_planes.take_forgotten() == []
    assert len(data_planes.take_unsaved()) == 11


def test_a_connected_data_plane_is_not_forgotten_for_an_invented_id() -> None:
    data_planes = DataPlanes(per_certificate=2)
    data_planes.see(DataPlane("a", certificate="one"))
    data_planes.arrive("a")
    for number in range(5):
        data_planes.see(DataPlane(f"node-{number}", certificate="one"))
    assert [one.id for one in data_planes] == ["a", "node-4"]
    data_planes.arrive("node-4")
    with pytest.raises(ClusterError, match="CLUSTER_NODES_PER_CERTIFICATE"):
        data_planes.see(DataPlane("b", certificate="one"))
    data_planes.see(DataPlane("a", certificate="one"))
    data_planes.see(DataPlane("b", certificate="another"))


def test_rows_from_before_are_bounded_when_they_are_read() -> None:
    rows = [{**ROW, "id": f"node-{number:03}", "last_seen": number} for number in range(300)]
    data_planes = DataPlanes(rows, per_certificate=10)
    assert [one.id for one in data_planes] == [f"node-{number}" for number in range(290, 300)]
    assert len(data_planes.take_forgotten()) == 290


def test_a_forgotten_data_plane_that_comes_back_is_kept() -> None:
    data_planes = DataPlanes(per_certificate=1)
    for node in ("a", "b", "a"):
        data_planes.see(DataPlane(node, certificate="one"))
    assert data_planes.take_forgotten() == ["b"]


def row_of(node: str, control_plane: str, **more: Any) -> dict[str, Any]:
    seen = {"last_seen": int(time.time()), "connected": True}
    return {**ROW, "id": node, "control_plane": control_plane, **seen, **more}


def test_data_planes_of_other_control_planes_are_known_while_they_are_heard_of() -> None:
    rows = [
        row_of("there", "other"),
        row_of("left", "other", connected=False),
        row_of("silent", "other", last_seen=10),
        row_of("mine-before", "me"),
    ]
    data_planes = DataPlanes(rows, control_plane="me")
    assert data_planes.elsewhere() == ["there"]
    assert data_planes.connected() == []
    assert data_planes.take_in(rows) is False, "nothing new"
    assert data_planes.take_in([row_of("left", "other")]) is True
    assert data_planes.elsewhere() == ["left", "there"]


async def test_one_that_has_moved_here_is_said_to_be_so_again() -> None:
    data_planes = DataPlanes([row_of("moving", "other")], control_plane="me")
    data_planes.see(DataPlane("moving"))
    data_planes.arrive("moving")
    assert data_planes.elsewhere() == []
    (row,) = data_planes.take_unsaved()
    assert (row["control_plane"], row["connected"]) == ("me", True)
    data_planes.urgent.clear()
    assert data_planes.take_in([row_of("moving", "other", connected=False)]) is False
    assert data_planes.urgent.is_set(), "the other wrote of it when it had gone"
    assert [row["control_plane"] for row in data_planes.take_unsaved()] == ["me"]


async def test_those_connected_elsewhere_keep_their_place() -> None:
    rows = [row_of(f"n{number}", "other", certificate="c") for number in range(2)]
    data_planes = DataPlanes(rows, per_certificate=2, control_plane="me")
    with pytest.raises(ClusterError, match="2 data planes with this certificate are connected"):
        data_planes.see(DataPlane("third", certificate="c"))
