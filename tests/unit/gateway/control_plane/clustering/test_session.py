# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from gateway.control_plane.clustering.push import prepare
from gateway.control_plane.clustering.session import Timing
from tests.support.cluster_listener import (
    NODE,
    QUERY,
    joined,
    release,
    world,
)
from tests.support.peer import ZEROS, all_plugins, connected

VECTORS = Path(__file__).parents[4] / "vectors" / "hybrid.json"


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
async def test_another_first_frame_than_basic_info_gets_a_close_frame(first: Any) -> None:
    async with world() as place, connected(place.port, place.tls, place.name) as peer:
        assert await peer.upgrade(query=QUERY) == 101
        await peer.send(first)
        assert await peer.ended() == 1008
        assert list(place.data_planes) == []


async def test_a_data_plane_that_says_nothing_is_dropped() -> None:
    timing = Timing(handshake=0.2)
    async with (
        world(timing=timing) as place,
        connected(place.port, place.tls, place.name) as peer,
    ):
        assert await peer.upgrade(query=QUERY) == 101
        assert await peer.ended() is None


async def test_what_a_data_plane_says_of_itself_is_known() -> None:
    async with world() as place, joined(place, labels={"b": "a-._123z"}):
        await place.until(lambda: place.data_planes.connected() == [NODE])
        known = place.known()
        assert (known.hostname, known.ip, known.version) == ("node-a", "127.0.0.1", "3.10.0")
        assert known.labels == {"b": "a-._123z"}
        assert known.config_hash == ZEROS
        assert known.sync_status == "unknown"
        assert known.certificate_expires is not None
    await place.until(lambda: place.data_planes.connected() == [])


async def test_without_a_release_nothing_is_pushed_and_pings_are_answered() -> None:
    async with world() as place, joined(place) as peer:
        assert await peer.ping() == b"", "the pong would come after a pushed frame"


async def test_what_comes_up_while_one_is_under_way_is_coalesced() -> None:
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


async def test_a_data_plane_that_never_responds_gets_the_next_one_all_the_same() -> None:
    async with world(timing=Timing(settle=0.1)) as place, joined(place) as peer:
        await place.until(lambda: place.data_planes.connected() == [NODE])
        for push in (release("one"), release("two")):
            place.listener.push(push)
            assert (await peer.configuration())["config_hash"] == push.hash


async def test_an_error_frame_is_a_refusal_with_its_reason() -> None:
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


@pytest.mark.parametrize("named", [ZEROS, "", "x" * 100_000])
async def test_an_error_frame_that_does_not_name_the_configuration_is_about_the_last_one(
    named: str,
) -> None:
    async with world() as place, joined(place) as peer:
        push = release()
        place.listener.push(push)
        await peer.configuration()
        await peer.refuse(named, "cannot be read")
        await place.until(lambda: bool(place.data_planes.contact(NODE).refusals))
        assert place.data_planes.contact(NODE).refusals == {push.hash: "cannot be read"}


@pytest.mark.parametrize(
    "payload",
    [b"", b"0" * 31, b"0" * 33, b"g" * 32, b"A" * 32, b"\0" * 32, b"\xc3" * 32, b"\x1b[1m" * 8],
)
async def test_a_ping_that_is_no_hash_ends_the_connection(payload: bytes) -> None:
    async with world() as place, joined(place) as peer:
        await peer.send(Ping(payload=payload))
        assert await peer.ended() is None
        await place.until(lambda: place.data_planes.connected() == [])


@pytest.mark.parametrize(
    "frame",
    [
        BytesMessage(data=b'{"type":"basic_info","plugins":[]}'),
        BytesMessage(data=b'{"type":"error"}'),
        BytesMessage(data=b"\x00\x01"),
        TextMessage(data="hello"),
    ],
)
async def test_any_other_frame_ends_the_connection(frame: Any) -> None:
    async with world() as place, joined(place) as peer:
        await peer.send(frame)
        assert await peer.ended() is None


async def test_a_message_over_the_limit_is_closed_with_1009() -> None:
    async with world(max_payload=1000) as place, joined(place, plugins=[]) as peer:
        await peer.ping()
        await peer.send(BytesMessage(data=b"x" * 600, message_finished=False))
        await peer.send(BytesMessage(data=b"x" * 600))
        assert await peer.ended() == 1009


async def test_silence_ends_the_connection() -> None:
    async with world(timing=Timing(liveness=0.3)) as place, joined(place) as peer:
        assert await peer.ended() is None
        await place.until(lambda: place.data_planes.connected() == [])


async def test_the_data_planes_own_close_is_answered() -> None:
    async with world() as place, joined(place) as peer:
        await place.until(lambda: place.data_planes.connected() == [NODE])
        await peer.send(CloseConnection(code=1000))
        assert await peer.ended() == 1000


def _vectors() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(VECTORS.read_text())["compat"]
    return found


@pytest.mark.parametrize("vector", _vectors(), ids=lambda vector: str(vector["id"]))
async def test_compatibility_vectors(vector: dict[str, Any]) -> None:
    """The configuration uses kafka-upstream where Kong's own specs use key-auth."""
    plugins = all_plugins() if vector["plugins"] == "same" else vector["plugins"]
    plugins = [*all_plugins(), *plugins] if vector.get("more") else plugins
    push = release()

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


async def test_a_plugin_set_that_fits_again_gets_the_configuration() -> None:
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


async def test_labels_are_kept_as_far_as_a_setting_may_hold_them() -> None:
    labels = {"x" * 100: "y", "y": "z" * 100, **{f"key-{n}": "v" for n in range(50)}}
    async with world() as place, joined(place, labels=labels):
        await place.until(lambda: bool(place.data_planes.connected()))
        assert place.known().labels == {f"key-{n}": "v" for n in range(10)}


async def test_two_machines_with_one_id_are_told_apart_from_one_that_came_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    text = "two data planes have one id"
    async with world() as place, joined(place):
        await place.until(lambda: place.data_planes.connected() == [NODE])
        async with joined(place):
            await place.until(lambda: place.data_planes.contact(NODE).sessions == 2)
            assert text not in caplog.text
        async with joined(place, hostname="node-b"):
            await place.until(lambda: place.known().hostname == "node-b")
            assert text in caplog.text
