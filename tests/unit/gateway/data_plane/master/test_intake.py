# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.data_plane.master.cache import ConfigCache
from gateway.data_plane.master.intake import ReleaseIntake
from gateway.documents.document import to_table
from gateway.errors import ClusterError, ReleaseRefused, SettingsError, UnresolvedReference
from gateway.hybrid.config_hash import ZERO_HASH, config_hash
from gateway.hybrid.config_table import config_table
from gateway.hybrid.frame import reconfigure_payload
from tests.support.authority import shared_pair
from tests.support.fake_hashicorp_vault import running_vault
from tests.support.supervision import served, supervising

KEY = shared_pair().key


def nested(levels: int) -> Any:
    found: Any = []
    for _ in range(levels):
        found = [found]
    return found


def sent(path: str = "/a") -> dict[str, Any]:
    return config_table(to_table({"routes": {"r": {"paths": [path]}}}, "tests", 1))


@pytest.fixture
def cache(tmp_path: Path) -> ConfigCache:
    return ConfigCache(tmp_path / "config.cache", KEY)


async def test_a_frame_is_served_by_all_workers_and_kept(cache: ConfigCache) -> None:
    async with supervising() as supervisor:
        intake = ReleaseIntake(supervisor, {}, cache)
        assert (intake.hash_in_force, intake.cached()) == (ZERO_HASH, None)
        frame = reconfigure_payload(sent())
        await intake.take(frame)
        digest = config_hash(sent())[0]
        assert await served(supervisor) == {digest: 2}
        assert cache.load() == frame
        kept = intake.cached()
        assert kept is not None
        assert kept.hash == intake.hash_in_force == digest


async def test_a_frame_with_the_hash_in_force_changes_nothing(cache: ConfigCache) -> None:
    async with supervising() as supervisor:
        intake = ReleaseIntake(supervisor, {}, cache)
        await intake.take(reconfigure_payload(sent()))
        first = supervisor.serving
        await intake.take(reconfigure_payload(sent()))
        assert supervisor.serving is first


async def test_a_release_that_is_wrong_reaches_no_worker(cache: ConfigCache) -> None:
    wrong = sent()
    wrong["routes"][0]["pathz"] = ["/x"]
    async with supervising() as supervisor:
        intake = ReleaseIntake(supervisor, {}, cache)
        with pytest.raises(ReleaseRefused, match="pathz") as caught:
            await intake.take(reconfigure_payload(wrong))
        assert caught.value.hash == config_hash(wrong)[0]
        assert "pathz" in supervisor.problem
        assert (intake.hash_in_force, cache.load()) == (ZERO_HASH, None)


@pytest.mark.parametrize("rows", [5, ["a"], [{"config": nested(300)}]], ids=["5", "texts", "deep"])
async def test_a_release_that_cannot_be_one_is_refused_by_its_hash(
    cache: ConfigCache, rows: Any
) -> None:
    message = {"type": "reconfigure", "config_hash": "a" * 32, "config_table": {"plugins": rows}}
    async with supervising() as supervisor:
        intake = ReleaseIntake(supervisor, {}, cache)
        with pytest.raises(ReleaseRefused) as caught:
            await intake.take(gzip.compress(json.dumps(message).encode()))
        assert caught.value.hash == "a" * 32
        assert supervisor.problem == str(caught.value)


async def test_frames_that_hold_no_configuration_change_nothing(cache: ConfigCache) -> None:
    async with supervising() as supervisor:
        intake = ReleaseIntake(supervisor, {}, cache)
        await intake.take(gzip.compress(b'{"type": "something"}'))
        with pytest.raises(ClusterError, match="cannot be read"):
            await intake.take(b"nonsense")
        assert supervisor.serving is None


async def test_another_cache_gets_what_is_in_force(cache: ConfigCache, tmp_path: Path) -> None:
    async with supervising() as supervisor:
        intake = ReleaseIntake(supervisor, {}, cache)
        other = ConfigCache(tmp_path / "other.cache", shared_pair().key)
        await intake.change_cache(other)
        assert other.load() is None
        frame = reconfigure_payload(sent())
        await intake.take(frame)
        third = ConfigCache(tmp_path / "third.cache", shared_pair().key)
        await intake.change_cache(third)
        assert third.load() == frame


def naming(*variables: str) -> bytes:
    """Return the frame of a release whose keys are in variables, which the master looks up."""
    keys = {name: {"key": f"{{vault://env/{name}?ttl=3600}}"} for name in variables}
    document = {"consumers": {"ann": {"keyauth_credentials": keys}}}
    return reconfigure_payload(config_table(to_table(document, "tests", 1)))


async def test_a_release_is_served_with_what_the_vault_file_says_when_it_comes(
    cache: ConfigCache,
) -> None:
    file: dict[str, str] = {}
    async with supervising() as supervisor:
        intake = ReleaseIntake(supervisor, {}, cache, read_environment=lambda: dict(file))
        with pytest.raises(UnresolvedReference, match="FIRST"):
            await intake.take(naming("FIRST"))
        file["FIRST"] = "a"
        await intake.take(naming("FIRST"))
        assert intake.environment == {"FIRST": "a"}
        assert supervisor.environment["{vault://env/FIRST?ttl=3600}"] == "a"
        # A release that is refused takes nothing along.
        file["FIRST"] = "b"
        with pytest.raises(UnresolvedReference, match="SECOND"):
            await intake.take(naming("FIRST", "SECOND"))
        assert intake.environment == {"FIRST": "a"}
        file["SECOND"] = "c"
        await intake.take(naming("FIRST", "SECOND"))
        assert supervisor.environment["{vault://env/FIRST?ttl=3600}"] == "b"
        # A release may drop what the file has not any more.
        file.clear()
        await intake.take(naming())
        assert intake.environment == {}


async def test_a_vault_file_that_cannot_be_read_leaves_its_values(cache: ConfigCache) -> None:
    def broken() -> dict[str, str]:
        raise SettingsError("KAFKA_GATEWAY_ENV_FILE: cannot read it")

    async with supervising() as supervisor:
        intake = ReleaseIntake(supervisor, {"FIRST": "a"}, cache, read_environment=broken)
        await intake.take(naming("FIRST"))
        assert supervisor.environment["FIRST"] == "a"


async def test_a_cache_that_cannot_be_written_is_no_refusal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    async with supervising() as supervisor:
        broken = ConfigCache(tmp_path / "file" / "config.cache", KEY)
        await ReleaseIntake(supervisor, {}, broken).take(reconfigure_payload(sent()))
        assert supervisor.hash_in_force == config_hash(sent())[0]


async def test_a_release_that_waits_for_its_secrets_is_served_and_kept_when_they_come(
    cache: ConfigCache,
) -> None:
    with running_vault() as vault:
        config = vault.settings(token="root")
        document = {
            "vaults": {"team": {"name": "hcv", "config": config}},
            "consumers": {"ann": {"keyauth_credentials": {"k": {"key": "{vault://team/a/key}"}}}},
        }
        frame = reconfigure_payload(config_table(to_table(document, "tests", 1)))
        async with supervising() as supervisor:
            intake = ReleaseIntake(supervisor, {}, cache)
            assert not await intake.retry()
            with pytest.raises(UnresolvedReference, match="has no secret a"):
                await intake.take(frame)
            assert "has no secret a" in supervisor.problem
            assert not await intake.retry()
            assert cache.load() is None
            vault.put("a", key="secret-key")
            assert await intake.retry()
            assert supervisor.environment == {"{vault://team/a/key}": "secret-key"}
            assert cache.load() == frame
            assert not await intake.retry()
