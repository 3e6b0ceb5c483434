# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from gateway.data_plane.master import node_secrets
from gateway.data_plane.master.node_release import NodeRelease
from gateway.data_plane.master.node_secrets import NodeSecrets
from gateway.data_plane.master.supervisor import Supervisor
from gateway.errors import ReleaseRefused, SettingsError, UnresolvedReference
from tests.support.fake_hashicorp_vault import FakeVault, running_vault
from tests.support.http import until
from tests.support.supervision import release, supervising

PASSWORD = "{vault://team/kafka/password}"


@pytest.fixture
def vault() -> Iterator[FakeVault]:
    with running_vault() as running:
        running.put("kafka", password="first")
        yield running


def referring(vault: FakeVault, digest: str = "a", **config: object) -> NodeRelease:
    row = {"prefix": "team", "name": "hcv", "config": vault.settings(token="root", **config)}
    return release(digest, plugins=[{"config": {"password": PASSWORD}}], vaults=[row])


async def test_what_refers_to_variables_only_is_left_to_the_workers(vault: FakeVault) -> None:
    async with supervising() as supervisor:
        secrets, environment = NodeSecrets(supervisor), {"A": "a"}
        for plain in (release("a"), release("a", key="{vault://env/A}")):
            assert await secrets.complete(plain, environment) is environment


async def test_secrets_stand_beside_the_variables(vault: FakeVault) -> None:
    async with supervising() as supervisor:
        secrets = NodeSecrets(supervisor)
        values = await secrets.complete(referring(vault), {"A": "a"})
        assert values == {"A": "a", PASSWORD: "first"}
        option = release("b", plugins=[{"key": "{vault://env/SECRET?prefix=MY_}"}])
        assert (await secrets.complete(option, {"MY_SECRET": "s"}))[
            "{vault://env/SECRET?prefix=MY_}"
        ] == "s"


async def test_the_vault_env_may_have_settings_as_the_others_have(vault: FakeVault) -> None:
    plain = release("a", plugins=[{"key": "{vault://env/KEY}"}])
    async with supervising() as supervisor:
        settings = {"KONG_VAULT_ENV_PREFIX": "MY_", "MY_KEY": "mine", "KEY": "other"}
        values = await NodeSecrets(supervisor).complete(plain, settings)
    assert values["{vault://env/KEY}"] == "mine"


async def test_each_reference_that_cannot_be_had_is_named_with_the_reason(
    vault: FakeVault,
) -> None:
    vault.sealed = True
    async with supervising() as supervisor:
        with pytest.raises(UnresolvedReference) as caught:
            await NodeSecrets(supervisor).complete(referring(vault), {})
    (text,) = caught.value.errors
    assert text.startswith(f"vault reference {PASSWORD} does not resolve: http://127.0.0.1:")
    assert "is sealed" in text
    assert "root" not in text


async def test_authorities_that_cannot_be_read_refuse_the_release(vault: FakeVault) -> None:
    def trusted() -> str:
        raise SettingsError("KONG_LUA_SSL_TRUSTED_CERTIFICATE: cannot read x")

    async with supervising() as supervisor:
        with pytest.raises(ReleaseRefused, match="cannot read x"):
            await NodeSecrets(supervisor, (), trusted).complete(referring(vault), {})


@asynccontextmanager
async def following(
    supervisor: Supervisor, secrets: NodeSecrets, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[list[int]]:
    monkeypatch.setattr(node_secrets, "_SHORTEST", 0.01)
    monkeypatch.setattr(node_secrets, "_UNRESOLVED", 0.05)
    retried: list[int] = []

    async def retry() -> None:
        retried.append(1)

    task = asyncio.create_task(secrets.follow(dict, retry))
    try:
        yield retried
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_workers_get_a_changed_secret_when_its_time_is_over(
    vault: FakeVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = referring(vault, ttl=0.1)
    async with supervising() as supervisor:
        secrets = NodeSecrets(supervisor)
        async with following(supervisor, secrets, monkeypatch):
            await supervisor.apply(served, await secrets.complete(served, {}))
            since = supervisor.since
            reads = vault.reads()
            await until(lambda: vault.reads() > reads + 1)
            assert supervisor.since == since, "an unchanged secret changes nothing"
            vault.put("kafka", password="second")
            await until(lambda: supervisor.environment == {PASSWORD: "second"})
            assert supervisor.serving is served
            vault.sealed = True
            calls = len(vault.calls)
            await until(lambda: len(vault.calls) > calls)
            assert supervisor.environment == {PASSWORD: "second"}


async def test_a_release_that_came_meanwhile_is_not_taken_back(vault: FakeVault) -> None:
    first, second = referring(vault, "first"), referring(vault, "second")
    async with supervising() as supervisor:
        await supervisor.apply(first, {})
        await supervisor.apply(second, {})
        assert not await supervisor.renew(first, {PASSWORD: "x"})
        assert (supervisor.serving, supervisor.environment) == (second, {})


async def test_while_nothing_is_served_what_waits_is_tried_again(
    vault: FakeVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with supervising() as supervisor:
        secrets = NodeSecrets(supervisor)
        async with following(supervisor, secrets, monkeypatch) as retried:
            await until(lambda: len(retried) > 2)
