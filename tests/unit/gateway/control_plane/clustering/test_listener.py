# SPDX-License-Identifier: Apache-2.0
"""The hybrid protocol over real TLS: vectors `wire` and `compat`, and what they leave out."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.hybrid.server_tls import ClusterIdentity
from tests.support.authority import Authority, Pair, shared_pair
from tests.support.cluster_listener import (
    AUTHORITY,
    NAME,
    NODE,
    PKI,
    QUERY,
    World,
    joined,
    release,
    world,
)
from tests.support.control_plane import running
from tests.support.peer import Peer, connected
from tests.support.waiting import PATIENCE

SHARED = shared_pair()
PIN = ClusterIdentity("shared", SHARED.certificate, SHARED.key, SHARED.certificate)


@pytest.mark.parametrize("missing", ["node_id", "node_version"])
async def test_an_upgrade_without_node_id_or_version_is_a_400(missing: str) -> None:
    async with world() as place, connected(place.port, place.tls, place.name) as peer:
        query = {name: value for name, value in QUERY.items() if name != missing}
        assert await peer.upgrade(query=query) == 400


@pytest.mark.parametrize("node", ["n" * 37, "a\0b", "a\nb"])
async def test_an_id_that_the_database_would_not_take_is_a_400(node: str) -> None:
    """One such data plane must not keep all others from being noted."""
    async with world() as place, connected(place.port, place.tls, place.name) as peer:
        assert await peer.upgrade(query={**QUERY, "node_id": node}) == 400


async def test_other_paths_are_a_404() -> None:
    async with world() as place, connected(place.port, place.tls, place.name) as peer:
        assert await peer.upgrade("/v2/outlet", QUERY) == 404


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /v1/outlet?node_id=a&node_version=3.10.0 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01 nonsense\r\n\r\n",
    ],
)
async def test_what_is_no_upgrade_is_dropped_without_an_answer(request_bytes: bytes) -> None:
    async with world() as place, connected(place.port, place.tls, place.name) as peer:
        await peer.write(request_bytes)
        assert await peer.event() is None


async def cut_off(place: World) -> bool:
    """Tell whether we are dropped without an HTTP response."""
    try:
        async with connected(place.port, place.tls, place.name) as peer:
            return await peer.upgrade(query=QUERY) == 0
    except OSError:
        return True


@pytest.mark.parametrize(
    "client", [None, Authority("another").issue("data-plane"), shared_pair("data-plane")]
)
async def test_pki_drops_clients_that_the_authority_did_not_sign(client: Pair | None) -> None:
    async with world(client=client) as place:
        assert await cut_off(place)
        assert list(place.data_planes) == []


async def test_shared_takes_its_own_certificate_and_no_other() -> None:
    async with world(PIN, SHARED) as place, joined(place) as peer:
        assert await peer.ping() == b""
    async with world(PIN, shared_pair()) as place:
        assert await cut_off(place)


async def test_shared_refuses_a_certificate_that_the_cluster_certificate_signed() -> None:
    # The pinned certificate may be an authority; only it itself is the data plane's.
    authority = Authority("kong_clustering")

    identity = replace(PIN, authority=SHARED.certificate + authority.pem)
    async with world(identity, authority.issue("data-plane")) as place:
        assert await cut_off(place)


async def test_a_renewed_certificate_is_used_for_new_connections() -> None:
    renewed = AUTHORITY.issue(NAME, server=True)

    async with world() as place:
        place.listener.reload(replace(PKI, certificate=renewed.certificate, key=renewed.key))
        peer = await Peer.dial(place.port, place.tls, place.name)
        assert peer.server_certificate() == ssl.PEM_cert_to_DER_cert(renewed.certificate)
        await peer.close()


async def test_a_new_release_goes_to_all_at_once_and_is_confirmed_by_ping() -> None:
    async with (
        world() as place,
        joined(place) as one,
        connected(place.port, place.tls, place.name) as two,
    ):
        await two.join("another-node", hostname="node-b")
        await place.until(lambda: len(place.data_planes.connected()) == 2)
        push = release()
        place.listener.push(push)
        for peer in (one, two):
            assert (await peer.configuration())["config_hash"] == push.hash
            assert await peer.ping(push.hash) == b""
        assert {known.config_hash for known in place.data_planes} == {push.hash}
        assert {known.sync_status for known in place.data_planes} == {"normal"}


async def test_stopping_closes_every_session_with_a_close_frame() -> None:
    async with world() as place, joined(place) as peer:
        await place.until(lambda: place.data_planes.connected() == [NODE])
        ended = asyncio.create_task(peer.ended())
        async with asyncio.timeout(PATIENCE):
            await place.listener.stop()
        assert await ended == 1001
        assert place.data_planes.connected() == []


async def test_a_data_plane_that_is_cut_off_does_not_delay_stopping() -> None:
    async with world() as place, joined(place) as peer:
        await place.until(lambda: place.data_planes.connected() == [NODE])
        async with asyncio.timeout(25):
            await place.listener.stop()  # without a response to the close frame
        peer.hang_up()


async def test_the_same_node_may_come_back_before_its_old_connection_is_gone() -> None:
    async with world() as place:
        push = release()
        place.listener.push(push)
        async with joined(place) as new:
            async with joined(place) as old:
                await old.configuration()
                await new.configuration()
            await place.until(lambda: place.data_planes.contact(NODE).sessions == 1)
            assert await new.ping(push.hash) == b""
            assert place.data_planes.connected() == [NODE]


VERSION = "3.10.0"


async def test_three_hundred_ids_with_one_certificate_are_not_all_kept(tmp_path: Path) -> None:
    async with running(tmp_path, cluster_nodes_per_certificate="10") as place:
        for number in range(30):
            async with place.peer(f"node-{number}") as peer:
                peer.hang_up()
            async with asyncio.timeout(PATIENCE):
                while place.made.data_planes.connected():
                    await place.made.data_planes.news()
        rows = (await place.ask("GET", "/clustering/data-planes")).body["data"]
        assert len(rows) == 10
        assert place.made.data_plane_rows is not None
        await place.made.data_plane_rows.save()
        assert len(list(place.made.store.load_data_planes())) == 10


async def test_no_more_are_let_in_while_all_of_a_certificate_are_connected() -> None:
    async with world() as place:
        place.data_planes.per_certificate = 2
        async with AsyncExitStack() as stack:
            for number in range(2):
                peer = await stack.enter_async_context(connected(place.port, place.tls, place.name))
                await peer.join(f"node-{number}")
            await place.until(lambda: len(place.data_planes.connected()) == 2)
            third = await stack.enter_async_context(connected(place.port, place.tls, place.name))
            await third.join("node-3")
            assert await third.ended() == 1008
            assert place.data_planes.get("node-3") is None


async def test_connections_of_one_certificate_are_bounded_before_they_say_anything() -> None:
    async with world() as place:
        place.data_planes.per_certificate = 2
        async with AsyncExitStack() as stack:
            for _ in range(4):
                await stack.enter_async_context(connected(place.port, place.tls, place.name))
            fifth = await stack.enter_async_context(connected(place.port, place.tls, place.name))
            assert await fifth.event() is None
