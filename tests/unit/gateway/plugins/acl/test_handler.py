# SPDX-License-Identifier: Apache-2.0
"""``acl``: who passes with which groups, by the table of Kong's handler and on a real socket."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.http.messages import Response
from gateway.plugins.acl.handler import AccessList
from gateway.plugins.acl.schema import Config
from gateway.plugins.base import PluginContext
from gateway.plugins.consumers import Consumers
from tests.support.gates import consumers, credential, gate
from tests.support.releases import number
from tests.support.requests import request_of

NAMES = ("ann", "bob", "cyd", "guest")
ACLS = [credential(who, group=group) for who, group in (("ann", "admin"), ("bob", "admin"))]
ACLS.append(credential("bob", group="pro"))
TABLE: dict[str, Any] = {
    "consumers": consumers(*NAMES),
    "acls": ACLS,
    "keyauth_credentials": [credential(name, key=name) for name in NAMES[:3]],
    "consumer_groups": [{"id": number("gold"), "name": "gold"}],
    "consumer_group_consumers": [
        {"id": number("m"), "consumer": number("cyd"), "consumer_group": number("gold")}
    ],
}
CONSUMERS = Consumers(TABLE)
GOLD = CONSUMERS.named_groups(["gold"])


def outcome(
    config: dict[str, Any],
    consumer: str | None = None,
    known: bool = True,
    authenticated: tuple[str, ...] | None = None,
    groups: Any = None,
) -> tuple[int, str | None, str | None]:
    """Return status, X-Consumer-Groups and X-Authenticated-Groups."""
    pool: Any = None
    plugin = AccessList(Config(**config), PluginContext(pool, lambda _: None, consumers=CONSUMERS))
    forged = [(b"x-consumer-groups", b"forged"), (b"x_authenticated_groups", b"forged")]
    request = request_of(headers=forged)
    request.consumer = None if consumer is None else CONSUMERS.find(consumer, "username")
    request.credential = {"id": "c"} if known else None
    request.authenticated_groups = authenticated
    request.consumer_groups = groups
    response = plugin.access(request)
    status = response.status if isinstance(response, Response) else 200
    if status != 200:
        return status, None, None
    assert not any(b"_" in name for name, _ in request.headers)
    shown = [request.header(name) for name in (b"x-consumer-groups", b"x-authenticated-groups")]
    first, second = (None if value is None else value.decode() for value in shown)
    return status, first, second


ALLOW, DENY = {"allow": ["admin"]}, {"deny": ["admin"]}


@pytest.mark.parametrize(
    ("request_", "allow", "deny"),
    [
        ({"known": False}, 401, 401),
        ({}, 403, 200),
        ({"consumer": "cyd"}, 403, 200),
        ({"consumer": "guest", "known": False}, 401, 200),
        ({"consumer": "ann"}, 200, 403),
        ({"consumer": "bob"}, 200, 403),
        ({"authenticated": ("admin",)}, 200, 403),
        ({"authenticated": ("other",)}, 403, 200),
        ({"authenticated": ("Admin",)}, 403, 200),
        ({"authenticated": ()}, 403, 200),
        ({"consumer": "guest", "known": False, "authenticated": ("admin",)}, 200, 403),
        ({"consumer": "guest", "known": False, "authenticated": ("other",)}, 403, 200),
        ({"consumer": "ann", "authenticated": ("other",)}, 200, 403),
        ({"consumer": "cyd", "authenticated": ("admin",)}, 403, 200),
    ],
)
def test_groups_decide_by_kongs_table(request_: dict[str, Any], allow: int, deny: int) -> None:
    assert outcome(ALLOW, **request_)[0] == allow
    assert outcome(DENY, **request_)[0] == deny


def test_groups_of_a_token_count_for_a_known_consumer_where_they_always_do() -> None:
    always = {**ALLOW, "always_use_authenticated_groups": True}
    assert outcome(always, "ann", authenticated=("other",))[0] == 403
    assert outcome(always, "cyd", authenticated=("admin", "b\r\nx")) == (200, None, "admin, b  x")
    assert outcome(always, "ann") == (200, "admin", None)


def test_consumer_groups_count_where_they_are_included() -> None:
    config: dict[str, Any] = {"allow": ["gold"], "include_consumer_groups": True}
    assert outcome({"allow": ["gold"]}, "cyd")[0] == 403
    assert outcome(config, "cyd") == (200, "gold", None)
    assert outcome(config, "ann")[0] == 403
    assert outcome(config, "ann", groups=GOLD) == (200, "admin, gold", None)
    assert outcome(config, "cyd", groups=())[0] == 403
    assert outcome(config, groups=GOLD) == (200, "gold", None)


@pytest.mark.parametrize(
    ("config", "consumer", "shown"),
    [
        ({"allow": ["pro", "hello"]}, "bob", "admin, pro"),
        ({"deny": ["x"]}, "cyd", ""),
        ({"allow": ["admin"], "hide_groups_header": True}, "ann", None),
    ],
)
def test_the_upstream_sees_all_groups_or_none(
    config: dict[str, Any], consumer: str, shown: str | None
) -> None:
    assert outcome(config, consumer) == (200, shown, None)


async def test_on_the_wire_a_refusal_says_so_and_asks_for_no_proof() -> None:
    async with gate({"acl": {"allow": ["admin"]}}, **TABLE) as place:
        found = await place.ask()
        assert (found.status, found.message) == (401, "Unauthorized")
        assert "www-authenticate" not in found.headers
    async with gate({"key-auth": {}, "acl": {"allow": ["admin"]}}, **TABLE) as place:
        found = await place.ask(headers={"apikey": "ann", "x-consumer-groups": "forged"})
        assert found.header("x-consumer-groups") == "admin"
        found = await place.ask(headers={"apikey": "cyd"})
        assert (found.status, found.message) == (403, "You cannot consume this service")
    both: dict[str, dict[str, Any]] = {
        "key-auth": {"anonymous": "guest"},
        "acl": {"allow": ["admin"]},
    }
    async with gate(both, **TABLE) as place:
        assert (await place.ask(headers={"apikey": "wrong"})).status == 401
