# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from tests.support.control_plane import running


async def test_schemas_are_served_and_checked_against(tmp_path: Path) -> None:
    plugin = {"name": "kafka-upstream", "config": {"topik": "a"}}

    async with running(tmp_path) as place:
        assert (await place.ask("GET", "/schemas/routes")).body["fields"]
        schema = await place.ask("GET", "/schemas/plugins/kafka-upstream")
        assert any("config" in field for field in schema.body["fields"])
        for path in ("/schemas/bananas", "/schemas/plugins/banana", "/schemas/x/validate"):
            method = "POST" if path.endswith("validate") else "GET"
            reply = await place.ask(method, path)
            assert reply.status == 404
            assert reply.body["message"]
        wrong = await place.ask("POST", "/schemas/plugins/validate", plugin)
        assert wrong.body["fields"]["config"]["topik"] == "unknown field"
        enabled = await place.ask("GET", "/plugins/enabled")
        assert "kafka-upstream" in enabled.body["enabled_plugins"]
        assert "/services" in (await place.ask("GET", "/endpoints")).body["data"]
