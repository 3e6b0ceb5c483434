# SPDX-License-Identifier: Apache-2.0
"""Control plane, node and broker together: what is published becomes records."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.broker import Broker
from tests.support.control_plane import Place, cluster_settings, running
from tests.support.fake_hashicorp_vault import FakeVault, running_vault
from tests.support.node import NodeProcess, running_node
from tests.support.traffic import Reply, Traffic, get, steady
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka

SENT = b'{"message":"message sent"}'


def document(broker: Broker, topic: str, secret: str = "API_SECRET") -> dict[str, Any]:
    config = {
        "topic": topic,
        "bootstrap_servers": [{"host": "127.0.0.1", "port": broker.port}],
        "authentication": {
            "strategy": "sasl",
            "mechanism": "PLAIN",
            "user": "{vault://env/API_KEY}",
            "password": f"{{vault://env/{secret}}}",
        },
        "security": {"ssl": True},
        "producer_async": False,
        "forward_headers": True,
    }
    route = {"paths": ["/orders"], "plugins": {"kafka-upstream": {"config": config}}}
    return {"services": {"s": {"url": "http://unused", "routes": {"orders": route}}}}


def settings(place: Place, folder: Path, broker: Broker) -> dict[str, str]:
    user, password = broker.writer
    (folder / "vault.env").write_text(f"API_KEY={user}\nAPI_SECRET={password}\n")
    return {
        **cluster_settings(place.port("cluster"), folder),
        "KONG_LUA_SSL_TRUSTED_CERTIFICATE": f"system,{broker.ca_file}",
        "KAFKA_GATEWAY_ENV_FILE": str(folder / "vault.env"),
    }


def send(node: NodeProcess, **headers: str) -> Reply:
    return get(node.proxy, "/orders", headers)


def values(broker: Broker, topic: str, count: int) -> list[dict[str, Any]]:
    return [json.loads(record.value()) for record in broker.records(topic, count)]


async def test_what_is_published_becomes_records_and_no_request_fails_over_a_switch(
    tmp_path: Path, broker: Broker
) -> None:
    first, second = broker.topic(), broker.topic()

    async with running(tmp_path / "control-plane") as place:
        await place.publish(document(broker, first))
        with running_node(tmp_path, **settings(place, tmp_path, broker)) as node:
            await asyncio.to_thread(node.ready)
            reply = await asyncio.to_thread(send, node, aaa="888")
            assert (reply.status, reply.body) == (200, SENT)
            with steady(node.proxy, "/orders") as traffic:
                published = await place.publish(document(broker, second))
                refused = await place.publish(document(broker, first, "NO_SUCH"))
            assert [one["status"] for one in published.body["data_planes"]] == ["confirmed"]
            assert refused.status == 409
            assert "{vault://env/NO_SUCH}" in str(refused.body)
            assert set(traffic.statuses) <= {200}
            assert not traffic.broken
            assert (await asyncio.to_thread(send, node, bbb="999")).body == SENT
    assert values(broker, first, 1)[0]["headers"]["aaa"] == "888"
    assert values(broker, second, broker.count(second))[-1]["headers"]["bbb"] == "999"


async def test_a_node_that_restarts_without_its_control_plane_still_writes_records(
    tmp_path: Path, broker: Broker
) -> None:
    topic = broker.topic()

    async with running(tmp_path / "control-plane") as place:
        await place.publish(document(broker, topic))
        with running_node(tmp_path, **settings(place, tmp_path, broker)) as node:
            await asyncio.to_thread(node.ready)
            await place.made.stop()
            assert (await asyncio.to_thread(send, node)).body == SENT
            assert await asyncio.to_thread(node.stop) == 0
            await asyncio.to_thread(node.start().ready)
            assert (await asyncio.to_thread(send, node)).body == SENT
    assert broker.count(topic) == 2


async def test_a_rotated_key_is_taken_over_by_a_signal(tmp_path: Path, broker: Broker) -> None:
    topic = broker.topic()
    broker.allow(broker.second, topic)

    def rotate(node: NodeProcess) -> None:
        user, password = broker.second
        with steady(node.proxy, "/orders") as traffic:
            eventually(lambda: traffic.sent > 5)
            vault = node.prefix.parent / "vault.env"
            vault.write_text(f"API_KEY={user}\nAPI_SECRET={password}\n")
            node.signal(signal.SIGHUP)
            eventually(lambda: "reloaded" in node.events())
            broker.deny(broker.writer, topic)
            seen = traffic.sent
            eventually(lambda: traffic.sent > seen + 5)
        assert set(traffic.statuses) == {200}
        assert not traffic.broken

    async with running(tmp_path / "control-plane") as place:
        await place.publish(document(broker, topic))
        with running_node(tmp_path, **settings(place, tmp_path, broker)) as node:
            await asyncio.to_thread(node.ready)
            await asyncio.to_thread(rotate, node)


def vaulted(broker: Broker, topic: str, vault: FakeVault, secret: str = "kafka") -> dict[str, Any]:
    """Return the document with the broker's credential in a vault, read again each 0.2 s."""
    made = document(broker, topic)
    config = made["services"]["s"]["routes"]["orders"]["plugins"]["kafka-upstream"]["config"]
    for name in ("user", "password"):
        config["authentication"][name] = f"{{vault://team/{secret}/{name}}}"
    own = vault.settings(token="{vault://env/VAULT_TOKEN}", kv="v2", ttl=0.2)
    return {**made, "vaults": {"team": {"name": "hcv", "config": own}}}


def answered(traffic: Traffic, more: int) -> None:
    """Wait until so many more requests were answered."""
    before = sum(traffic.statuses.values())
    eventually(lambda: sum(traffic.statuses.values()) >= before + more)


async def test_a_credential_that_is_rotated_in_a_vault_loses_no_request(
    tmp_path: Path, broker: Broker
) -> None:
    topic = broker.topic()
    broker.allow(broker.second, topic)
    (old, old_password), (new, new_password) = broker.writer, broker.second
    with running_vault() as vault:
        vault.put("kafka", user=old, password=old_password)
        async with running(tmp_path / "control-plane") as place:
            more = {**settings(place, tmp_path, broker), "VAULT_TOKEN": "root"}
            with running_node(tmp_path, **more) as node:
                await place.publish(vaulted(broker, topic, vault))
                await asyncio.to_thread(node.ready)
                with steady(node.proxy, "/orders") as traffic:
                    vault.put("kafka", user=new, password=new_password)
                    await asyncio.to_thread(eventually, lambda: "secrets renewed" in node.events())
                    # What was under way with the old one has ended then.
                    await asyncio.to_thread(answered, traffic, 20)
                    broker.deny(broker.writer, topic)
                    await asyncio.to_thread(answered, traffic, 20)
                    refused = await place.publish(vaulted(broker, topic, vault, "none"))
                assert set(traffic.statuses) == {200}
                assert not traffic.broken
                assert refused.status == 409
                reason = "vault reference {vault://team/none/user} does not resolve: http://127"
                assert reason in str(refused.body)
                assert "has no secret none" in str(refused.body)
                written = node.log.read_text() + str(refused.body)
                assert new_password not in written
                assert (await asyncio.to_thread(send, node)).body == SENT
