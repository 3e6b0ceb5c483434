# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.documents.document import to_table
from gateway.hybrid.config_table import WORKSPACE, config_table
from gateway.hybrid.frame import is_empty
from tests.support.documents import story


def test_a_table_is_flat_with_workspace_and_header() -> None:
    sent = config_table(to_table(story(), "o", 1))
    assert (sent["_format_version"], sent["_transform"]) == ("3.0", False)
    assert sent["workspaces"][0]["id"] == WORKSPACE
    assert sent["routes"][0]["ws_id"] == WORKSPACE
    assert sent["routes"][0]["service"] == sent["services"][0]["id"]
    assert "consumers" not in sent
    assert not is_empty(sent)


def test_disabled_services_take_routes_and_plugins_with_them() -> None:
    document = story()
    document["services"]["httpbinservice"]["enabled"] = False
    document["plugins"] = {"confluent": {"enabled": False, "config": {"topic": "t"}}}
    assert is_empty(config_table(to_table(document, "o", 1)))
