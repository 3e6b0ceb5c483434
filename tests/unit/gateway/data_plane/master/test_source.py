# SPDX-License-Identifier: Apache-2.0
"""Sources of releases in front of fake workers; what needs a whole node is in test_master.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.data_plane.master.cache import ConfigCache
from gateway.data_plane.master.source import ControlPlaneSource, FileSource, make_source
from gateway.documents.document import to_table
from gateway.errors import ReleaseRefused, SettingsError
from gateway.hybrid.config_hash import config_hash
from gateway.hybrid.config_table import config_table
from gateway.hybrid.frame import reconfigure_payload
from gateway.settings.settings import Settings
from tests.support.authority import shared_pair
from tests.support.supervision import supervising

TEXT = """
_format_version: "3.0"
services:
- {name: s, url: "http://h/", routes: [{name: r, paths: [/a]}]}
"""
PAIR = shared_pair()
NODE = {"role": "data_plane", "cluster_cert": PAIR.certificate, "cluster_cert_key": PAIR.key}


async def test_a_file_is_the_first_release_and_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "kong.yml"
    file.write_text(TEXT)
    settings = Settings.from_values({"declarative_config": str(file)})
    async with supervising() as supervisor:
        source = make_source(settings, tmp_path, supervisor, {})
        assert isinstance(source, FileSource)
        assert source.connected is None
        first = await source.first()
        assert first is not None
        file.write_text(TEXT.replace("/a", "/b"))
        await source.reload({})
        assert supervisor.hash_in_force not in ("", first.hash)
        served = supervisor.hash_in_force
        file.write_text(TEXT.replace("paths", "pathz"))
        with pytest.raises(ReleaseRefused, match="pathz"):
            await source.reload({})
        assert supervisor.hash_in_force == served


async def test_a_file_that_is_wrong_at_the_start_is_an_error_of_its_setting(
    tmp_path: Path,
) -> None:
    file = tmp_path / "kong.yml"
    file.write_text(TEXT.replace("paths", "pathz"))
    settings = Settings.from_values({"declarative_config": str(file)})
    async with supervising() as supervisor:
        with pytest.raises(SettingsError, match=r"KONG_DECLARATIVE_CONFIG.*pathz"):
            await make_source(settings, tmp_path, supervisor, {}).first()


async def test_without_a_file_there_is_no_release(tmp_path: Path) -> None:
    async with supervising() as supervisor:
        source = make_source(Settings.from_values({}), tmp_path, supervisor, {})
        assert await source.first() is None
        await source.reload({})
        assert supervisor.serving is None


async def test_a_node_starts_with_what_its_cache_holds(tmp_path: Path) -> None:
    sent = config_table(to_table({"routes": {"r": {"paths": ["/a"]}}}, "tests", 1))
    cache = ConfigCache(tmp_path / "config.cache", PAIR.key)
    async with supervising() as supervisor:
        source = make_source(Settings.from_values(NODE), tmp_path, supervisor, {})
        assert isinstance(source, ControlPlaneSource)
        assert not source.connected
        assert await source.first() is None
        cache.save(reconfigure_payload(sent))
        release = await source.first()
        assert release is not None
        assert release.hash == config_hash(sent)[0]
        cache.path.write_bytes(cache.path.read_bytes()[:-1])
        assert await source.first() is None
