# SPDX-License-Identifier: Apache-2.0
"""``ip-restriction``: addresses that pass; deny wins; no header of a client counts."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.http.messages import Response
from gateway.plugins.base import PluginContext
from gateway.plugins.ip_restriction import handler as module
from gateway.plugins.ip_restriction.handler import IpRestriction
from gateway.plugins.ip_restriction.schema import Config
from tests.support.gates import gate
from tests.support.requests import request_of


def handler(**config: Any) -> IpRestriction:
    pool: Any = None
    return IpRestriction(Config(**config), PluginContext(pool, lambda _: None))


def passes(plugin: IpRestriction, address: str) -> bool:
    request = request_of()
    request.connection.peer = (address, 1)
    return plugin.access(request) is None


@pytest.mark.parametrize(
    ("config", "address", "expected"),
    [
        ({"deny": ["127.0.0.1"]}, "127.0.0.1", False),
        ({"deny": ["127.0.0.1"]}, "127.0.0.2", True),
        ({"allow": ["127.0.0.0/24"], "deny": ["127.0.0.4"]}, "127.0.0.4", False),
        ({"allow": ["127.0.0.0/24"], "deny": ["127.0.0.4"]}, "127.0.0.5", True),
        ({"allow": ["127.0.0.0/24"], "deny": ["127.0.0.4"]}, "127.0.1.5", False),
        ({"allow": ["10.1.2.3/8"]}, "10.9.9.9", True),
        ({"deny": ["0.0.0.0/0"]}, "1.2.3.4", False),
        ({"deny": ["0.0.0.0/0"]}, "::1", True),
        ({"deny": ["::/0"]}, "2001:db8::1", False),
        ({"allow": ["::/0"]}, "1.2.3.4", False),
        ({"allow": ["2001:db8::/32"]}, "2001:db8:1::5", True),
        ({"allow": ["2001:db8::/32"]}, "2001:DB8:0001:0::5", True),
        ({"allow": ["2001:db8::/32"]}, "2001:db9::5", False),
        ({"deny": ["127.0.0.3"]}, "::ffff:127.0.0.3", False),
        ({"allow": ["::ffff:10.0.0.0/104"]}, "10.1.1.1", True),
        ({"allow": ["fe80::/10"]}, "fe80::1%eth0", True),
        ({"allow": ["0.0.0.0/0", "::/0"]}, "nonsense", False),
    ],
)
def test_an_address_passes_or_not(config: dict[str, Any], address: str, expected: bool) -> None:
    plugin = handler(**config)
    assert [passes(plugin, address) for _ in range(2)] == [expected, expected]


def test_a_client_without_an_address_is_refused() -> None:
    request = request_of()
    request.connection.peer = ("", 0)
    response = handler(deny=["10.0.0.1"]).access(request)
    assert isinstance(response, Response)
    assert response.status == 403
    assert b"unix domain sockets are not supported" in response.body  # type: ignore[operator]


def test_verdicts_at_hand_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT", 3)
    plugin = handler(deny=["10.0.0.5"])
    for last in range(10):
        assert passes(plugin, f"10.0.0.{last}") == (last != 5)
    assert len(plugin._verdicts) <= 3


async def test_a_refusal_names_the_address_and_no_header_changes_it() -> None:
    async with gate({"ip-restriction": {"deny": ["127.0.0.1"]}}) as place:
        forged = {"x-forwarded-for": "8.8.8.8", "x-real-ip": "8.8.8.8"}
        found = await place.ask(headers=forged)
        assert (found.status, found.message) == (403, "IP address not allowed: 127.0.0.1")
    async with gate({"ip-restriction": {"deny": ["127.0.0.3"]}}) as place:
        assert (await place.ask(headers={"x-forwarded-for": "127.0.0.3"})).status == 200
    config = {"deny": ["127.0.0.1"], "status": 404, "message": "not here"}
    async with gate({"ip-restriction": config}) as place:
        found = await place.ask()
        assert (found.status, found.message) == (404, "not here")
