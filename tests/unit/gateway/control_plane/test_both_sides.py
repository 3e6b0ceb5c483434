# SPDX-License-Identifier: Apache-2.0
"""Our control plane with our data plane's own side of the hybrid protocol."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest

from gateway.data_plane.master.control_plane_client import ClusterClient, NodeIdentity
from gateway.data_plane.master.intake import ReleaseIntake
from gateway.entities.plugin_types import plugin_types
from gateway.errors import ReleaseRefused
from gateway.hybrid.client_tls import client_context
from gateway.hybrid.config_hash import ZERO_HASH
from gateway.settings.settings import Settings
from tests.support.authority import shared_pair
from tests.support.control_plane import NAME, Place, certificates, running
from tests.support.documents import plugin_of, story
from tests.support.waiting import PATIENCE

NODE = "0b2a2f2c-3f3e-4a3b-9a55-0c8f5f1f6f10"


class DataPlane(ReleaseIntake):
    """Serves every configuration but those with the topic ``bad``."""

    def __init__(self, settings: Settings, port: int) -> None:
        self.hash = ZERO_HASH
        plugins = tuple((name, one.version) for name, one in plugin_types().items())
        self.client = ClusterClient(
            ("127.0.0.1", port),
            client_context(settings),
            NodeIdentity(NODE, "node-a", {"zone": "a"}, plugins),
            self,
            pause=(0.05, 0.1),
        )

    @property
    def hash_in_force(self) -> str:
        return self.hash

    async def take(self, frame: bytes) -> None:
        message = orjson.loads(gzip.decompress(frame))
        if message["config_table"]["plugins"][0]["config"]["topic"] == "bad":
            refused = ReleaseRefused(["vault reference {vault://env/KEY} does not resolve"])
            refused.hash = message["config_hash"]
            raise refused
        self.hash = message["config_hash"]


@asynccontextmanager
async def joined(place: Place, settings: Settings) -> AsyncIterator[DataPlane]:
    data_plane = DataPlane(settings, place.port("cluster"))
    running_client = asyncio.create_task(data_plane.client.run())
    try:
        async with asyncio.timeout(PATIENCE):
            while NODE not in place.made.data_planes.connected():
                await place.made.data_planes.news()
        yield data_plane
    finally:
        running_client.cancel()
        await asyncio.gather(running_client, return_exceptions=True)


def node_settings(prefix: Path, mtls: str) -> tuple[Settings, dict[str, str]]:
    """Return the data plane's settings, and what the control plane's differ in."""
    authority, _, client = certificates()
    values = {"role": "data_plane", "prefix": str(prefix), "cluster_mtls": mtls}
    if mtls == "pki":
        values |= {"cluster_cert": client.certificate, "cluster_cert_key": client.key}
        values |= {"cluster_ca_cert": authority.pem, "cluster_server_name": NAME}
        return Settings.from_values(values), {}
    pair = shared_pair()
    own = {"cluster_mtls": mtls, "cluster_cert": pair.certificate, "cluster_cert_key": pair.key}
    return Settings.from_values(values | own), own


@pytest.mark.parametrize("mtls", ["pki", "shared"])
async def test_it_confirms_refuses_and_comes_back_after_a_restart(
    tmp_path: Path, mtls: str
) -> None:
    settings, differences = node_settings(tmp_path / "data-plane", mtls)
    prefix = tmp_path / "control-plane"
    bad = story()
    plugin_of(bad)["config"]["topic"] = "bad"

    async with running(prefix, **differences) as place, joined(place, settings) as data_plane:
        good = await place.publish(story())
        assert good.body["data_planes"] == [
            {"id": NODE, "hostname": "node-a", "status": "confirmed", "error": None}
        ]
        assert data_plane.hash == good.body["hash"]
        refused = await place.publish(bad)
        assert refused.status == 409
        assert "{vault://env/KEY}" in refused.body["data_planes"][0]["error"]
        assert data_plane.hash == good.body["hash"]
        listed = (await place.ask("GET", "/clustering/data-planes")).body["data"]
        assert listed[0]["labels"] == {"zone": "a"}
    async with running(prefix, **differences) as place, joined(place, settings) as again:
        async with asyncio.timeout(PATIENCE):
            while again.hash != good.body["hash"]:
                await place.made.data_planes.news()
