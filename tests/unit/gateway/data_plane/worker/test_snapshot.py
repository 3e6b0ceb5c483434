# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.data_plane.counters import Counters
from gateway.data_plane.worker import compile as module
from gateway.data_plane.worker.application import GatewayApplication
from gateway.data_plane.worker.snapshot import Snapshot
from gateway.errors import ReleaseRefused
from gateway.http.application import DISCARD, STREAM
from gateway.http.messages import Pending, Request, Response
from gateway.plugins.key_auth import PLUGIN as KEY_AUTH
from gateway.proxy.proxy import Proxy
from tests.support.balancing import target_rows, upstream_row
from tests.support.noted_plugin import TYPES, Noted
from tests.support.releases import (
    compiled,
    compiled_configuration,
    number,
    plugin_row,
    route,
    table,
    worker_resources,
)
from tests.support.requests import request_of
from tests.support.upstream import answering, ok, upstream


@pytest.fixture(autouse=True)
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "plugin_types", lambda: TYPES)
    Noted.made.clear()


def two(first: dict[str, Any], second: dict[str, Any]) -> bytes:
    rows = [plugin_row("noted", of="a", **first), plugin_row("noted", of="b", **second)]
    return table(routes=[route("a"), route("b")], plugins=rows)


def begin(application: GatewayApplication, target: bytes) -> tuple[Request, int | Response]:
    request = request_of(target)
    return request, application.begin(request)


async def test_a_route_runs_its_own_plugin() -> None:
    application = GatewayApplication(Counters())
    application.serve(await compiled(two({"word": "one"}, {"word": "two"})))
    request, _ = begin(application, b"/b")
    response = application.handle(request)
    assert isinstance(response, Response)
    assert response.body == b"two"


async def test_routes_that_run_the_same_share_one_chain() -> None:
    # With thousands of routes, chains of their own would push each other out of the caches.
    rows = [plugin_row("noted"), plugin_row("noted", of="c", word="other")]
    routes = [route("a"), route("b"), route("c")]
    application = GatewayApplication(Counters())
    application.serve(await compiled(table(routes=routes, plugins=rows)))
    chains = [begin(application, path)[0].chain for path in (b"/a", b"/b", b"/c")]
    assert chains[0] is chains[1]
    assert chains[0] is not chains[2]


async def test_bodies_are_kept_where_a_plugin_reads_them_and_dropped_where_none_does() -> None:
    rows = [plugin_row("reader", of="a"), plugin_row("noted", of="b")]
    service = {"id": number("s"), "name": "s", "host": "127.0.0.1", "port": 1}
    routes = [route("a"), route("b"), route("c", service="s")]
    content = table(routes=routes, services=[service], plugins=rows)
    application = GatewayApplication(Counters())
    application.serve(await compiled(content))
    modes = [begin(application, target)[1] for target in (b"/a", b"/b", b"/c")]
    assert modes == [1024**2, DISCARD, STREAM]


async def test_a_body_that_only_a_consumers_plugin_reads_is_kept() -> None:
    row = {**plugin_row("reader", of="a"), "consumer": number("alice")}
    application = GatewayApplication(Counters())
    application.serve(await compiled(table(routes=[route("a"), route("b")], plugins=[row])))
    assert [begin(application, target)[1] for target in (b"/a", b"/b")] == [1024**2, DISCARD]


async def test_a_consumer_gets_a_chain_of_its_own_where_it_has_a_plugin() -> None:
    own = {**plugin_row("noted", of="a", word="alice"), "consumer": number("alice")}
    own["id"] = number("own")
    content = table(routes=[route("a")], plugins=[plugin_row("noted", of="a"), own])
    snapshot = await compiled(content)
    match = snapshot.router.match(request_of(b"/a"))
    assert match is not None
    derive = match.data.chain._derive

    def body_for(consumer: str) -> object:
        request = request_of(b"/a")
        request.consumer = {"id": number(consumer)}
        return derive(request).run(request).body

    assert (body_for("alice"), body_for("bob")) == (b"alice", b"noted")


async def test_members_of_a_group_get_the_plugin_of_the_first_of_their_groups_by_name() -> None:
    """Also where the groups come with the request."""
    rows = [plugin_row("noted", of="a")]
    for group in ("b", "a"):
        row = {**plugin_row("noted", of="a", word=group), "consumer_group": number(group)}
        rows.append({**row, "id": number(f"of {group}")})
    groups = [{"id": number(name), "name": name} for name in ("c", "b", "a")]
    pairs = [("ann", "b"), ("ann", "a"), ("bob", "b"), ("cyd", "c")]
    content = table(
        routes=[route("a")],
        plugins=rows,
        consumers=[{"id": number(name), "username": name} for name in ("ann", "bob", "cyd")],
        consumer_groups=groups,
        consumer_group_consumers=[
            {"consumer": number(consumer), "consumer_group": number(group)}
            for consumer, group in pairs
        ],
    )
    snapshot = await compiled(content)
    match = snapshot.router.match(request_of(b"/a"))
    assert match is not None

    def word(consumer: str | None, groups: Any = None) -> object:
        request = request_of(b"/a")
        request.consumer = None if consumer is None else {"id": number(consumer)}
        request.consumer_groups = groups
        return match.data.chain._derive(request).run(request).body

    assert [word(name) for name in ("ann", "bob", "cyd", "eve")] == [b"a", b"b", b"noted", b"noted"]
    assert word("ann", groups[1:2]) == word(None, groups[1:2]) == b"b"
    assert word("ann", ()) == b"noted"


async def test_plugins_that_did_not_change_are_taken_over() -> None:
    before = await compiled(two({"word": "one"}, {"word": "two"}))
    kept, changed = Noted.made
    after = await compiled(two({"word": "one"}, {"word": "new"}), before)
    before.retire(after)
    assert (kept.closed, changed.closed) == (0, 1)
    assert kept in after.handlers
    assert len(Noted.made) == 3


def conditional(of: str, condition: str, **config: Any) -> dict[str, Any]:
    return {**plugin_row("noted", of=of, **config), "condition": condition}


async def test_a_plugin_runs_for_the_requests_that_its_condition_holds_for() -> None:
    wide = {**plugin_row("noted", word="wide"), "id": number("wide")}
    rows = [wide, conditional("a", "http.method == 'GET'", word="get")]
    rows.append(conditional("b", "http.method == 'POST'", word="post"))
    application = GatewayApplication(Counters())
    application.serve(await compiled(table(routes=[route("a"), route("b")], plugins=rows)))

    def body(target: bytes) -> tuple[int, object]:
        response = application.handle(begin(application, target)[0])
        assert isinstance(response, Response)
        return response.status, response.body

    assert body(b"/a") == (200, b"get")
    status, _ = body(b"/b")
    assert status == 503, "the wider one is not asked in its place: there is no service"


async def test_a_plugin_with_another_condition_is_another_plugin() -> None:
    def content(condition: str) -> bytes:
        return table(routes=[route("a")], plugins=[conditional("a", condition)])

    before = await compiled(content("true"))
    same = await compiled(content("true"), before)
    changed = await compiled(content("false"), before)
    assert same.handlers == before.handlers
    assert changed.handlers != before.handlers


async def test_a_condition_that_cannot_be_compiled_refuses_the_release() -> None:
    content = table(routes=[route("a")], plugins=[conditional("a", "http.meth")])
    with pytest.raises(ReleaseRefused, match=r'plugins\["noted"\].condition: line 1, column 5'):
        await compiled(content)


async def test_a_retired_plugin_is_closed_when_the_last_request_is_done() -> None:
    application = GatewayApplication(Counters())
    before = await compiled(two({"later": True}, {}))
    application.serve(before)
    request, _ = begin(application, b"/a")
    pending = application.handle(request)
    assert isinstance(pending, Pending)
    after = await compiled(table(routes=[route("a")]), before)
    application.serve(after)
    before.retire(after)
    handler = Noted.made[0]
    assert handler.closed == 0
    pending.resolve(Response(200, []))
    application.finished(request, Response(200, []), 1)
    assert handler.logged == [200]
    del request, pending
    assert handler.closed == 1


async def test_a_release_that_cannot_be_compiled_closes_what_was_made_for_it() -> None:
    before = await compiled(two({"word": "one"}, {"word": "two"}))
    with pytest.raises(ReleaseRefused, match="this is broken") as caught:
        await compiled(two({"word": "new"}, {"word": "this", "broken": True}), before)
    assert caught.value.errors == ["this is broken"]
    assert [handler.closed for handler in Noted.made] == [0, 0, 1]


async def test_a_discarded_snapshot_closes_only_what_is_its_own() -> None:
    before = await compiled(two({"word": "one"}, {"word": "two"}))
    after = await compiled(two({"word": "one"}, {"word": "new"}), before)
    after.discard(before)
    assert [handler.closed for handler in Noted.made] == [0, 0, 1]


async def test_a_thousand_swaps_leave_nothing_behind() -> None:
    resources = worker_resources()
    snapshot = await compiled(two({}, {}), None, resources)
    for turn in range(1000):
        following = await compiled(two({"word": str(turn)}, {}), snapshot, resources)
        snapshot.retire(following)
        snapshot = following
    assert sum(handler.closed for handler in Noted.made) == len(Noted.made) - 2


async def test_debug_headers_name_route_and_service_to_a_client_that_asks() -> None:
    service = {"id": number("s"), "name": "s", "host": "127.0.0.1", "port": 1}
    content = table(
        routes=[route("a", service="s")],
        services=[service],
        plugins=[plugin_row("noted", of="a")],
    )
    snapshot = await compiled(content, None, replace(worker_resources(), debug_headers=True))
    request = request_of(b"/a", headers=[(b"kong-debug", b"1")])
    match = snapshot.router.match(request)
    assert match is not None
    response = Response(200, [])
    match.data.chain.filter_head(request, response)
    assert dict(response.headers)[b"Kong-Route-Name"] == b"a"
    assert dict(response.headers)[b"Kong-Service-Id"] == number("s").encode()
    quiet = Response(200, [])
    match.data.chain.filter_head(request_of(b"/a"), quiet)
    assert quiet.headers == []


async def test_lua_that_is_switched_off_refuses_the_release(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    chunk = "return function(message) return message end"

    servers = [{"host": "127.0.0.1", "port": 1}]
    config = {"topic": "t", "bootstrap_servers": servers, "message_by_lua_functions": [chunk]}
    rows = [plugin_row("kafka-upstream", of="a", **config)]
    resources = replace(worker_resources(), lua_allowed=False)
    with pytest.raises(ReleaseRefused, match="switched off here by KONG_UNTRUSTED_LUA=off"):
        await compiled(table(routes=[route("a")], plugins=rows), resources=resources)


async def test_a_consumers_new_key_makes_the_handlers_that_look_it_up_anew_and_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    types = {**TYPES, "key-auth": KEY_AUTH}
    monkeypatch.setattr(module, "plugin_types", lambda: types)
    rows = [plugin_row("key-auth", of="a"), plugin_row("noted", of="a")]
    ann = {"id": number("ann"), "username": "ann"}

    def keyed(key: str) -> bytes:
        credential = {"id": number("key"), "consumer": ann["id"], "key": key, "created_at": 0}
        return table(
            routes=[route("a")], plugins=rows, consumers=[ann], keyauth_credentials=[credential]
        )

    application = GatewayApplication(Counters())
    first = await compiled(keyed("old"))
    application.serve(first)

    def status(key: bytes) -> int:
        request, _ = begin(application, b"/a")
        request.headers.append((b"apikey", key))
        response = application.handle(request)
        assert isinstance(response, Response)
        return response.status

    assert (status(b"old"), status(b"new")) == (200, 401)
    application.serve(await compiled(keyed("new"), first))
    assert (status(b"old"), status(b"new")) == (401, 200)
    assert len(Noted.made) == 1


def test_keys_may_come_from_a_vault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "plugin_types", lambda: {"key-auth": KEY_AUTH})
    ann = {"id": number("ann"), "username": "ann"}
    credential = {"id": number("key"), "consumer": ann["id"], "key": "{vault://env/ANN}"}
    content = table(
        routes=[route("a")],
        plugins=[plugin_row("key-auth", of="a")],
        consumers=[ann],
        keyauth_credentials=[credential],
    )
    found = compiled_configuration(content, {"ANN": "open sesame"})
    identity = found.consumers.credentials("keyauth_credentials").get(b"open sesame")
    assert identity is not None
    assert identity.consumer == ann
    with pytest.raises(ReleaseRefused, match="ANN"):
        compiled_configuration(content, {})


async def test_the_host_of_a_service_may_be_the_name_of_an_upstream() -> None:
    async with upstream(answering(ok(b"1"))) as one, upstream(answering(ok(b"2"))) as two:
        row = upstream_row(name="s.test")
        targets = target_rows(row, [f"127.0.0.1:{one.port}", f"127.0.0.1:{two.port}"])
        services = [{"id": number("s"), "name": "s", "host": "s.test", "port": 80}]
        routes = [route("a", service="s")]
        content = table(routes=routes, services=services, upstreams=[row], targets=targets)
        application = GatewayApplication(Counters())
        proxy = Proxy(asyncio.get_running_loop())
        resources = replace(worker_resources(), proxy=proxy)
        first = await compiled(content, resources=resources)
        application.serve(first)
        bodies: list[Any] = []
        for _ in range(4):
            request, _ = begin(application, b"/a")
            pending = application.handle(request)
            assert isinstance(pending, Pending)
            response = await pending
            bodies.append(response.body)
        assert sorted(bodies) == [b"1", b"1", b"2", b"2"]
        second = await compiled(content, first, resources)
        assert second._balancers == first._balancers
        first.retire(second)
        second.retire(Snapshot.empty())
        proxy.close()
