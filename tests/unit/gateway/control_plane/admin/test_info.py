# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from tests.support.control_plane import running
from tests.support.documents import story


async def test_the_root_tells_version_and_plugins(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await place.publish(story())
        body = (await place.ask("GET", "/")).body
        assert body["version"] == "3.10.0"
        assert "kong" not in body["tagline"].lower()
        assert body["plugins"]["enabled_in_cluster"] == ["kafka-upstream"]
        available = body["plugins"]["available_on_server"]
        assert available["kafka-upstream"]["priority"] == 751
        assert body["configuration"]["role"] == "control_plane"
        assert body["configuration"]["database"] == "sqlite"
        assert body["configuration"]["router_flavor"] == "traditional_compatible"
        node = body["node_id"]
    async with running(tmp_path) as place:
        assert (await place.ask("GET", "/")).body["node_id"] == node


async def test_data_planes_are_shown_in_both_forms(tmp_path: Path) -> None:
    async with (
        running(tmp_path) as place,
        place.peer(node="node-1", labels={"zone": "a"}),
    ):
        row = (await place.ask("GET", "/clustering/data-planes")).body["data"][0]
        assert row["id"] == "node-1"
        assert row["hostname"] == "node-a"
        assert row["ip"] == "127.0.0.1"
        assert row["version"] == "3.10.0"
        assert row["labels"] == {"zone": "a"}
        assert row["connected"] is True
        assert row["sync_status"] == "unknown"
        assert row["config_hash"] == "0" * 32
        assert row["cert_details"]["expiry_timestamp"] > row["last_seen"]
        older = (await place.ask("GET", "/clustering/status")).body
        assert older == {"node-1": row}
