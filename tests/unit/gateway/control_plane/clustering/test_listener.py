# SPDX-License-Identifier: Apache-2.0
"""The hybrid protocol over real TLS: vectors `wire` and `compat`, and what they leave out."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import uvloop
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from gateway.control_plane.clustering.data_planes import DataPlane, DataPlanes
from gateway.control_plane.clustering.listener import ClusterListener
from gateway.control_plane.clustering.push import Push, prepare
from gateway.control_plane.clustering.session import Timing
from gateway.documents.document import to_table
from gateway.hybrid.config_hash import config_hash
from gateway.hybrid.configuration import config_table
from gateway.hybrid.frame import reconfigure_payload
from gateway.hybrid.server_tls import ClusterIdentity
from tests.support.authority import Authority, Pair, client_context, shared_pair
from tests.support.control_plane import running
from tests.support.documents import story
from tests.support.peer import ZEROS, Peer, all_plugins, connected

NAME = "control-plane.test"
AUTHORITY = Authority()
SERVER = AUTHORITY.issue(NAME, server=True)
CLIENT = AUTHORITY.issue("data-plane")
SHARED = shared_pair()
PKI = ClusterIdentity("pki", SERVER.certificate, SERVER.key, AUTHORITY.pem)
PIN = ClusterIdentity("shared", SHARED.certificate, SHARED.key, SHARED.certificate)
NODE = "5d0b1f0e-7f0d-4bd3-9c0c-0a8e4a3a2f11"
QUERY = {"node_id": NODE, "node_version": "3.10.0", "node_hostname": "node-a"}
VECTORS = Path(__file__).parents[4] / "vectors" / "hybrid.json"


def release(topic: str = "topictest") -> Push:
    document = story()
    routes = document["services"]["httpbinservice"]["routes"]
    routes["httpbinroute"]["plugins"]["kafka-upstream"]["config"]["topic"] = topic
    return prepare(to_table(document, "stack-test", 1_700_000_000))


@dataclass
class World:
    """A listener and how to reach it."""

    listener: ClusterListener
    data_planes: DataPlanes
    port: int
    tls: ssl.SSLContext
    name: str

    def known(self, node: str = NODE) -> DataPlane:
        found = self.data_planes.get(node)
        assert found is not None
        return found

    def status(self) -> str:
        found = self.data_planes.get(NODE)
        return "unknown" if found is None else found.sync_status

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await self.data_planes.news()


@asynccontextmanager
async def world(
    identity: ClusterIdentity = PKI,
    client: Pair | None = CLIENT,
    timing: Timing | None = None,
    max_payload: int = 16 * 1024**2,
) -> AsyncIterator[World]:
    data_planes = DataPlanes()
    listener = ClusterListener(identity, data_planes, max_payload, timing)
    sock = socket.create_server(("127.0.0.1", 0))
    await listener.start([sock])
    name = NAME if identity.mtls == "pki" else "kong_clustering"
    tls = client_context(identity.authority, client)
    try:
        yield World(listener, data_planes, sock.getsockname()[1], tls, name)
    finally:
        await listener.stop()


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(main(), 30)

    uvloop.run(bounded())


@asynccontextmanager
async def joined(place: World, **details: Any) -> AsyncIterator[Peer]:
    async with connected(place.port, place.tls, place.name) as peer:
        await peer.join(NODE, **details)
        yield peer


# --- the way in


@pytest.mark.parametrize("missing", ["node_id", "node_version"])
def test_an_upgrade_without_node_id_or_version_is_a_400(missing: str) -> None:
    async def main() -> None:
        async with world() as place, connected(place.port, place.tls, place.name) as peer:
            query = {name: value for name, value in QUERY.items() if name != missing}
            assert await peer.upgrade(query=query) == 400

    run(main)


def test_other_paths_are_a_404() -> None:
    async def main() -> None:
        async with world() as place, connected(place.port, place.tls, place.name) as peer:
            assert await peer.upgrade("/v2/outlet", QUERY) == 404

    run(main)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /v1/outlet?node_id=a&node_version=3.10.0 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01 nonsense\r\n\r\n",
    ],
)
def test_what_is_no_upgrade_is_dropped_without_an_answer(request_bytes: bytes) -> None:
    async def main() -> None:
        async with world() as place, connected(place.port, place.tls, place.name) as peer:
            await peer.write(request_bytes)
            assert await peer.event() is None

    run(main)


async def cut_off(place: World) -> bool:
    """Tell whether we are dropped without an HTTP answer."""
    try:
        async with connected(place.port, place.tls, place.name) as peer:
            return await peer.upgrade(query=QUERY) == 0
    except OSError:
        return True


@pytest.mark.parametrize(
    "client", [None, Authority("another").issue("data-plane"), shared_pair("data-plane")]
)
def test_pki_drops_clients_that_the_authority_did_not_sign(client: Pair | None) -> None:
    async def main() -> None:
        async with world(client=client) as place:
            assert await cut_off(place)
            assert list(place.data_planes) == []

    run(main)


def test_shared_takes_its_own_certificate_and_no_other() -> None:
    async def main() -> None:
        async with world(PIN, SHARED) as place, joined(place) as peer:
            assert await peer.ping() == b""
        async with world(PIN, shared_pair()) as place:
            assert await cut_off(place)

    run(main)


def test_shared_refuses_a_certificate_that_the_cluster_certificate_signed() -> None:
    # The pinned certificate may be an authority; only it itself is the data plane's.
    authority = Authority("kong_clustering")

    async def main() -> None:
        identity = replace(PIN, authority=SHARED.certificate + authority.pem)
        async with world(identity, authority.issue("data-plane")) as place:
            assert await cut_off(place)

    run(main)


def test_a_renewed_certificate_is_used_for_new_connections() -> None:
    renewed = AUTHORITY.issue(NAME, server=True)

    async def main() -> None:
        async with world() as place:
            place.listener.reload(replace(PKI, certificate=renewed.certificate, key=renewed.key))
            peer = await Peer.dial(place.port, place.tls, place.name)
            shown = peer._writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            assert shown == ssl.PEM_cert_to_DER_cert(renewed.certificate)
            await peer.close()

    run(main)


# --- the first frame


@pytest.mark.parametrize(
    "first",
    [
        TextMessage(data='{"type":"basic_info","plugins":[]}'),
        BytesMessage(data=b'{"type":"hello","plugins":[]}'),
        BytesMessage(data=b'{"type":"basic_info"}'),
        BytesMessage(data=b'{"type":"basic_info","plugins":{}}'),
        BytesMessage(data=b"[]"),
        BytesMessage(data=b"not json"),
    ],
)
def test_another_first_frame_than_basic_info_gets_a_close_frame(first: Any) -> None:
    async def main() -> None:
        async with world() as place, connected(place.port, place.tls, place.name) as peer:
            assert await peer.upgrade(query=QUERY) == 101
            await peer.send(first)
            assert await peer.ended() == 1008
            assert list(place.data_planes) == []

    run(main)


def test_a_data_plane_that_says_nothing_is_dropped() -> None:
    async def main() -> None:
        timing = Timing(handshake=0.2)
        async with (
            world(timing=timing) as place,
            connected(place.port, place.tls, place.name) as peer,
        ):
            assert await peer.upgrade(query=QUERY) == 101
            assert await peer.ended() is None

    run(main)


def test_what_a_data_plane_says_of_itself_is_known() -> None:
    async def main() -> None:
        async with world() as place, joined(place, labels={"b": "a-._123z"}):
            await place.until(lambda: place.data_planes.connected() == [NODE])
            known = place.known()
            assert (known.hostname, known.ip, known.version) == ("node-a", "127.0.0.1", "3.10.0")
            assert known.labels == {"b": "a-._123z"}
            assert known.config_hash == ZEROS
            assert known.sync_status == "unknown"
            assert known.certificate_expires is not None
        await place.until(lambda: place.data_planes.connected() == [])

    run(main)


# --- configurations and pings


def test_without_a_release_nothing_is_pushed_and_pings_are_answered() -> None:
    async def main() -> None:
        async with world() as place, joined(place) as peer:
            assert await peer.ping() == b"", "the pong would come after a pushed frame"

    run(main)


def test_a_configuration_is_gzip_with_hash_and_parts() -> None:
    async def main() -> None:
        async with world() as place:
            push = release()
            place.listener.push(push)
            async with joined(place) as peer:
                frame = await peer.frame()
                assert frame[:2] == b"\x1f\x8b"
                assert frame == push.payload
            async with joined(place) as peer:
                message = await peer.configuration()
        expected = {"type", "timestamp", "config_table", "config_hash", "hashes"}
        assert message.keys() == expected
        assert message["type"] == "reconfigure"
        assert message["config_hash"] == push.hash == config_hash(message["config_table"])[0]
        assert message["config_table"]["routes"][0]["name"] == "httpbinroute"

    run(main)


def test_a_new_release_goes_to_all_at_once_and_is_confirmed_by_ping() -> None:
    async def main() -> None:
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

    run(main)


def test_what_comes_up_while_one_is_under_way_is_coalesced() -> None:
    async def main() -> None:
        async with world(timing=Timing(settle=20)) as place, joined(place) as peer:
            await place.until(lambda: place.data_planes.connected() == [NODE])
            first = release("first")
            place.listener.push(first)
            assert (await peer.configuration())["config_hash"] == first.hash
            for number in range(5):
                place.listener.push(release(f"topic-{number}"))
            last = release("topic-4")
            assert await peer.ping(ZEROS) == b"", "not confirmed: nothing else is sent"
            assert await peer.ping(first.hash) == b""
            assert (await peer.configuration())["config_hash"] == last.hash
            assert await peer.ping(last.hash) == b""

    run(main)


def test_a_data_plane_that_never_answers_gets_the_next_one_all_the_same() -> None:
    async def main() -> None:
        async with world(timing=Timing(settle=0.1)) as place, joined(place) as peer:
            await place.until(lambda: place.data_planes.connected() == [NODE])
            for push in (release("one"), release("two")):
                place.listener.push(push)
                assert (await peer.configuration())["config_hash"] == push.hash

    run(main)


def test_an_error_frame_is_a_refusal_with_its_reason() -> None:
    async def main() -> None:
        async with world() as place, joined(place) as peer:
            await place.until(lambda: place.data_planes.connected() == [NODE])
            push, after = release("one"), release("two")
            place.listener.push(push)
            await peer.configuration()
            await peer.refuse(push.hash, "vault reference {vault://env/KEY} does not resolve")
            await place.until(lambda: bool(place.data_planes.contact(NODE).refusals))
            reason = place.data_planes.contact(NODE).refusals[push.hash]
            assert reason == "vault reference {vault://env/KEY} does not resolve"
            place.listener.push(after)
            assert (await peer.configuration())["config_hash"] == after.hash, "the next is tried"
            assert await peer.ping(push.hash) == b""
            assert place.data_planes.contact(NODE).refusals == {}, "it serves it after all"

    run(main)


@pytest.mark.parametrize("named", [ZEROS, ""])
def test_an_error_frame_that_does_not_name_the_configuration_is_about_the_last_one(
    named: str,
) -> None:
    async def main() -> None:
        async with world() as place, joined(place) as peer:
            push = release()
            place.listener.push(push)
            await peer.configuration()
            await peer.refuse(named, "cannot be read")
            await place.until(lambda: bool(place.data_planes.contact(NODE).refusals))
            assert place.data_planes.contact(NODE).refusals == {push.hash: "cannot be read"}

    run(main)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_ping_that_is_no_hash_ends_the_connection(length: int) -> None:
    async def main() -> None:
        async with world() as place, joined(place) as peer:
            await peer.send(Ping(payload=b"0" * length))
            assert await peer.ended() is None
            await place.until(lambda: place.data_planes.connected() == [])

    run(main)


@pytest.mark.parametrize(
    "frame",
    [
        BytesMessage(data=b'{"type":"basic_info","plugins":[]}'),
        BytesMessage(data=b'{"type":"error"}'),
        BytesMessage(data=b"\x00\x01"),
        TextMessage(data="hello"),
    ],
)
def test_any_other_frame_ends_the_connection(frame: Any) -> None:
    async def main() -> None:
        async with world() as place, joined(place) as peer:
            await peer.send(frame)
            assert await peer.ended() is None

    run(main)


def test_a_message_over_the_limit_is_closed_with_1009() -> None:
    async def main() -> None:
        async with world(max_payload=1000) as place, joined(place, plugins=[]) as peer:
            await peer.ping()
            await peer.send(BytesMessage(data=b"x" * 600, message_finished=False))
            await peer.send(BytesMessage(data=b"x" * 600))
            assert await peer.ended() == 1009

    run(main)


def test_silence_ends_the_connection() -> None:
    async def main() -> None:
        async with world(timing=Timing(liveness=0.3)) as place, joined(place) as peer:
            assert await peer.ended() is None
            await place.until(lambda: place.data_planes.connected() == [])

    run(main)


def test_the_data_planes_own_close_is_answered() -> None:
    async def main() -> None:
        async with world() as place, joined(place) as peer:
            await place.until(lambda: place.data_planes.connected() == [NODE])
            await peer.send(CloseConnection(code=1000))
            assert await peer.ended() == 1000

    run(main)


def test_stopping_closes_every_session_with_a_close_frame() -> None:
    async def main() -> None:
        async with world() as place, joined(place) as peer:
            await place.until(lambda: place.data_planes.connected() == [NODE])
            ended = asyncio.create_task(peer.ended())
            async with asyncio.timeout(3):
                await place.listener.stop()
            assert await ended == 1001
            assert place.data_planes.connected() == []

    run(main)


def test_a_data_plane_that_is_cut_off_does_not_delay_stopping() -> None:
    async def main() -> None:
        async with world() as place, joined(place) as peer:
            await place.until(lambda: place.data_planes.connected() == [NODE])
            async with asyncio.timeout(4):
                await place.listener.stop()  # nobody answers the close frame
            peer.hang_up()

    run(main)


def test_the_same_node_may_come_back_before_its_old_connection_is_gone() -> None:
    async def main() -> None:
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

    run(main)


# --- vectors: compatibility


VERSION = "3.10.0"


def _vectors() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(VECTORS.read_text())["compat"]
    return found


@pytest.mark.parametrize("vector", _vectors(), ids=lambda vector: str(vector["id"]))
def test_compatibility_vectors(vector: dict[str, Any]) -> None:
    """The configuration uses kafka-upstream where Kong's own specs use key-auth."""
    plugins = all_plugins() if vector["plugins"] == "same" else vector["plugins"]
    plugins = [*all_plugins(), *plugins] if vector.get("more") else plugins
    push = release()

    async def main() -> None:
        async with world() as place, connected(place.port, place.tls, place.name) as peer:
            place.listener.push(push)
            labels = vector.get("labels")
            await peer.join(NODE, version=vector["dp_version"], plugins=plugins, labels=labels)
            if vector["result"] == "config sent":
                assert (await peer.configuration())["config_hash"] == push.hash
            elif vector["result"] == "pong but no config":
                await place.until(lambda: place.status() != "unknown")
                assert await peer.ping() == b""
            else:
                assert await peer.ended() == 1008
            assert place.known().sync_status == vector["sync_status"]
            if labels is not None:
                assert place.known().labels == labels

    run(main)


def test_a_plugin_set_that_fits_again_gets_the_configuration() -> None:
    async def main() -> None:
        async with world() as place, joined(place, plugins=[]) as peer:
            place.listener.push(release())
            await place.until(lambda: place.status() == "plugin_set_incompatible")
            withheld = place.data_planes.contact(NODE).withheld
            assert withheld is not None
            assert "kafka-upstream" in withheld[1]
            empty = prepare({})
            place.listener.push(empty)
            assert (await peer.configuration())["config_hash"] == empty.hash
            assert place.known().sync_status == "normal"

    run(main)


def test_an_empty_configuration_is_also_confirmed_by_zeros() -> None:
    push = prepare({})
    assert push.empty
    assert push.confirmed_by(push.hash)
    assert push.confirmed_by(ZEROS), "what Kong's own data planes report"
    assert not release().confirmed_by(ZEROS)


def test_rows_of_disabled_services_are_not_sent() -> None:
    table = to_table(story(), "stack-test", 1_700_000_000)
    table["services"][0]["enabled"] = False
    push = prepare(table)
    assert push.empty
    assert push.plugins == {}
    assert len(push.payload) == pytest.approx(len(reconfigure_payload(config_table({}))), abs=20)


# --- what one certificate may cost


def test_three_hundred_ids_with_one_certificate_are_not_all_kept(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path, cluster_nodes_per_certificate="10") as place:
            for number in range(30):
                async with place.peer(f"node-{number}") as peer:
                    peer.hang_up()
                async with asyncio.timeout(5):
                    while place.made._data_planes.connected():
                        await place.made._data_planes.news()
            rows = (await place.ask("GET", "/clustering/data-planes")).body["data"]
            assert len(rows) == 10
            await place.made._save()
            assert len(list(place.made._store.load_data_planes())) == 10

    run(main)


def test_no_more_are_let_in_while_all_of_a_certificate_are_connected() -> None:
    async def main() -> None:
        async with world() as place:
            place.data_planes.per_certificate = 2
            async with AsyncExitStack() as stack:
                for number in range(2):
                    peer = await stack.enter_async_context(
                        connected(place.port, place.tls, place.name)
                    )
                    await peer.join(f"node-{number}")
                await place.until(lambda: len(place.data_planes.connected()) == 2)
                third = await stack.enter_async_context(
                    connected(place.port, place.tls, place.name)
                )
                await third.join("node-3")
                assert await third.ended() == 1008
                assert place.data_planes.get("node-3") is None

    run(main)


def test_connections_of_one_certificate_are_bounded_before_they_say_anything() -> None:
    async def main() -> None:
        async with world() as place:
            place.data_planes.per_certificate = 2
            async with AsyncExitStack() as stack:
                for _ in range(4):
                    await stack.enter_async_context(connected(place.port, place.tls, place.name))
                fifth = await stack.enter_async_context(
                    connected(place.port, place.tls, place.name)
                )
                assert await fifth.event() is None

    run(main)


def test_labels_are_kept_as_far_as_a_setting_may_hold_them() -> None:
    async def main() -> None:
        labels = {"x" * 100: "y", "y": "z" * 100, **{f"key-{n}": "v" for n in range(50)}}
        async with world() as place, joined(place, labels=labels):
            await place.until(lambda: bool(place.data_planes.connected()))
            assert place.known().labels == {f"key-{n}": "v" for n in range(10)}

    run(main)
