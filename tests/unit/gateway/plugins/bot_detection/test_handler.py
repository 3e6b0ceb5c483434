# SPDX-License-Identifier: Apache-2.0
"""``bot-detection`` on a real socket, by the rules of Kong's own tests."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.plugins.base import PluginContext
from gateway.plugins.bot_detection import handler as module
from gateway.plugins.bot_detection.handler import BotDetection
from gateway.plugins.bot_detection.schema import Config
from tests.support.gates import gate
from tests.support.requests import request_of


@pytest.mark.parametrize(
    ("config", "agents", "status"),
    [
        ({}, [], 200),
        ({}, ["curl/8.5.0"], 200),
        ({}, ["Googlebot/2.1"], 403),
        ({}, ["  Go-http-client/1.1 "], 403),
        ({}, ["curl/8.5.0", "curl/8.5.0"], 400),
        ({"allow": ["facebookexternalhit/"]}, ["facebookexternalhit/1.1"], 200),
        ({"allow": ["^curl"], "deny": ["curl"]}, ["curl/8.5.0"], 200),
        ({"deny": ["curl"]}, ["xx curl/8.5.0"], 403),
        ({"deny": ["CURL"]}, ["curl/8.5.0"], 200),
        ({"deny": ["^$"]}, [""], 403),
    ],
)
async def test_what_a_client_calls_itself_decides(
    config: dict[str, Any], agents: list[str], status: int
) -> None:
    async with gate({"bot-detection": config}) as place:
        for _ in range(2):
            found = await place.ask(headers=[("User-Agent", agent) for agent in agents])
            assert found.status == status
            if status == 403:
                assert found.message == "Forbidden"
            if status == 400:
                assert found.message == "Only one User-Agent header allowed"


def test_verdicts_at_hand_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT", 3)
    pool: Any = None
    plugin = BotDetection(Config(), PluginContext(pool, lambda _: None))
    for name in range(10):
        assert plugin.access(request_of(headers=[(b"user-agent", b"a%d" % name)])) is None
    long = b"a" * 5000
    assert plugin.access(request_of(headers=[(b"user-agent", long)])) is None
    assert len(plugin._verdicts) <= 3
    assert long not in plugin._verdicts
