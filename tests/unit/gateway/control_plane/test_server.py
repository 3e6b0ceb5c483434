# SPDX-License-Identifier: Apache-2.0
"""The control plane as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import aiohttp
import pytest

from gateway.control_plane.access.tokens import AdminToken
from gateway.control_plane.server import ControlPlane
from gateway.errors import SettingsError, StoreError
from gateway.settings.settings import Settings
from tests.support.authority import client_context
from tests.support.control_plane import NAME, certificates, running, settings_values
from tests.support.control_plane_process import process, until_ready, values_with_ports
from tests.support.documents import story
from tests.support.peer import Peer
from tests.support.waiting import PATIENCE, eventually


async def test_sigterm_closes_sessions_with_data_planes_and_ends_calls_under_way(
    tmp_path: Path,
) -> None:
    values, (admin, cluster, status) = values_with_ports(tmp_path)
    authority, _, client = certificates()
    log = tmp_path / "control-plane.log"
    with process(values, log) as started:
        await until_ready(status)
        peer = await Peer.dial(cluster, client_context(authority.pem, client), NAME)
        await peer.join()
        assert await peer.ping() == b""
        body = {"owner": "a", "document": story(), "wait": 60}
        async with aiohttp.ClientSession() as session:
            call = asyncio.create_task(
                session.post(f"http://127.0.0.1:{admin}/releases", json=body)
            )
            assert (await peer.configuration())["type"] == "reconfigure"
            os.kill(started.pid, signal.SIGTERM)
            assert await peer.ended() == 1001
            await peer.close()
            reply = await call
            assert reply.status == 201, "the release is written, no data plane has confirmed it"
        assert await asyncio.to_thread(started.wait, PATIENCE) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines[-1]["event"] == "control plane stopped"
    assert all(line["role"] == "control_plane" for line in lines)
    assert not [line for line in lines if line["level"] == "error"], lines


async def test_a_killed_control_plane_serves_the_same_releases_again(tmp_path: Path) -> None:
    values, (admin, _, status) = values_with_ports(tmp_path)

    body = {"owner": "a", "document": story()}
    with process(values) as started:
        await until_ready(status)
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"http://127.0.0.1:{admin}/releases", json=body) as reply,
        ):
            assert reply.status == 201
        os.kill(started.pid, signal.SIGKILL)
        eventually(lambda: started.poll() is not None)

    async with running(tmp_path) as place:
        assert (await place.ask("GET", "/owners/a")).body["release"] == 1
        assert (await place.publish(story(), owner="a")).body["unchanged"] is True


async def test_a_port_that_is_taken_is_named_with_its_setting(tmp_path: Path) -> None:
    async with running(tmp_path / "one") as place:
        taken = f"127.0.0.1:{place.port('admin')}"
        values = {**settings_values(tmp_path / "two"), "admin_listen": taken}
        second = ControlPlane(Settings.from_values(values))
        try:
            with pytest.raises(SettingsError, match=f"KONG_ADMIN_LISTEN.*{taken}"):
                await second.start()
        finally:
            await second.stop()


async def test_a_prefix_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    made = ControlPlane(Settings.from_values(settings_values(tmp_path / "file" / "prefix")))
    try:
        with pytest.raises(StoreError, match="KONG_PREFIX"):
            await made.start()
    finally:
        await made.stop()


async def test_certificates_that_do_not_belong_together_are_named(tmp_path: Path) -> None:
    authority, _, _ = certificates()
    values = settings_values(tmp_path)
    values["cluster_cert"] = authority.issue("other", server=True).certificate

    made = ControlPlane(Settings.from_values(values))
    try:
        with pytest.raises(SettingsError, match="KONG_CLUSTER_CERT"):
            await made.start()
    finally:
        await made.stop()


async def test_the_admin_api_can_have_tls(tmp_path: Path) -> None:
    authority, server, _ = certificates()
    tls = {
        "admin_listen": "127.0.0.1:0 ssl",
        "admin_ssl_cert": str(server.write(tmp_path, "admin")[0]),
        "admin_ssl_cert_key": str(tmp_path / "admin.key"),
    }

    async with running(tmp_path, **tls) as place, aiohttp.ClientSession() as session:
        url = f"https://127.0.0.1:{place.port('admin')}/"
        context = client_context(authority.pem, None)
        async with session.get(url, ssl=context, server_hostname=NAME) as reply:
            assert (await reply.json())["version"] == "3.10.0"


async def test_without_listeners_for_data_planes_it_still_publishes(tmp_path: Path) -> None:
    async with running(tmp_path, cluster_listen="off") as place:
        assert (await place.publish(story())).status == 201


async def test_the_compatibility_version_is_that_of_schemas_and_releases(tmp_path: Path) -> None:
    values, (admin, _, status) = values_with_ports(tmp_path)
    route = {"paths": ["/a"], "plugins": {"key-auth": {"config": {}}}}
    body = {"owner": "a", "document": {"routes": {"r": route}}, "wait": 0}
    url = f"http://127.0.0.1:{admin}"
    with process({**values, "compatibility_version": "3.14"}):
        await until_ready(status)
        async with aiohttp.ClientSession(url) as session:
            async with session.get("/schemas/routes") as reply:
                fields = {n: f for item in (await reply.json())["fields"] for n, f in item.items()}
            assert fields["protocols"]["default"] == ["https"]
            async with session.post("/releases", json=body) as reply:
                assert reply.status == 201, await reply.text()
            async with session.get("/plugins") as reply:
                plugin = (await reply.json())["data"][0]
    assert plugin["config"]["hide_credentials"] is True
    assert plugin["protocols"][-2:] == ["ws", "wss"]


async def test_a_token_of_this_moment_is_not_forgotten_by_a_look_at_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is made or revoked between the read and its use is newer than what was read."""
    async with running(tmp_path, admin_token="planted-token", db_update_frequency="3600") as place:
        made, tokens = place.made, place.made.tokens
        _, old = await asyncio.to_thread(tokens.create, "old", ["read"], [], "a test", None)
        read, texts = tokens.all, [old]

        def all_and_meanwhile() -> list[AdminToken]:
            found = read()
            if len(texts) == 1:
                token, text = tokens.create("new", ["read"], [], "a test", None)
                texts.append(text)
                revoked = tokens.revoke("old")
                for one in (token, revoked):
                    made.authentication.note(one)
            return found

        made.authentication.take(read())
        monkeypatch.setattr(tokens, "all", all_and_meanwhile)
        await made._learn()
        assert made.authentication.authenticate(texts[1]) is not None
        assert made.authentication.authenticate(old) is None
