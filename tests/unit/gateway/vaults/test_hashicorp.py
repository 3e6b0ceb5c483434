# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.entities.vault_kinds import HashicorpVault
from gateway.errors import SecretMissing, VaultError
from gateway.vaults.backend import Surroundings
from gateway.vaults.hashicorp import VaultServer
from tests.support.fake_hashicorp_vault import FakeVault, running_vault


@pytest.fixture
def vault() -> Iterator[FakeVault]:
    with running_vault() as running:
        running.put("kafka", user="old", password="p-old")
        running.put("kafka", user="u", password="p", partitions=3)
        yield running


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def server(
    vault: FakeVault, folders: tuple[str, ...] = (), clock: Clock | None = None, **config: Any
) -> VaultServer:
    settings = HashicorpVault.model_validate(vault.settings(**config))
    return VaultServer(settings, Surroundings({}, folders), clock or Clock())


@pytest.mark.parametrize("kv", ["v1", "v2"])
def test_a_secret_is_read_from_both_versions_of_the_engine(vault: FakeVault, kv: str) -> None:
    found = server(vault, token="root", kv=kv).fetch("kafka", None, None)
    assert found.content == {"user": "u", "password": "p", "partitions": 3}
    assert found.life is None
    assert "p" not in repr(found).replace("FetchedSecret(life=None)", "")


def test_an_older_version_and_a_deleted_one(vault: FakeVault) -> None:
    one = server(vault, token="root", kv="v2")
    assert one.fetch("kafka", None, 1).content == {"user": "old", "password": "p-old"}
    vault.kv2["kafka"].append(None)
    for version in (None, 3, 9):
        with pytest.raises(SecretMissing, match="has no secret kafka"):
            one.fetch("kafka", None, version)


def test_what_a_vault_refuses_is_told_by_what_it_means_and_never_with_the_token(
    vault: FakeVault,
) -> None:
    one = server(vault, token="root", kv="v2")
    vault.forbidden.add("kafka")
    with pytest.raises(VaultError, match=r"kafka: permission denied \(403\)"):
        one.fetch("kafka", None, None)
    vault.sealed = True
    with pytest.raises(VaultError, match="is sealed or being maintained") as caught:
        one.fetch("kafka", None, None)
    assert "root" not in str(caught.value)
    vault.stop()
    with pytest.raises(VaultError, match="is unreachable: Connection refused"):
        server(vault, token="root").fetch("kafka", None, None)


def test_a_path_cannot_leave_the_engine_by_its_characters(vault: FakeVault) -> None:
    one = server(vault, token="root", kv="v2")
    with pytest.raises(SecretMissing):
        one.fetch("a?version=1#x", None, None)
    assert vault.calls[-1] == ("GET", "/v1/secret/data/a?version=1#x")


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "schlüssel\n"])
def test_a_token_that_cannot_be_sent_is_not_shown(vault: FakeVault, token: str) -> None:
    with pytest.raises(VaultError) as caught:
        server(vault, token=token).fetch("kafka", None, None)
    assert "malformed" in str(caught.value)
    assert token not in str(caught.value)


def test_approle_logs_in_once_and_anew_when_the_token_is_gone(vault: FakeVault) -> None:
    vault.approles["role"] = "secret-id"
    config: dict[str, Any] = {"auth_method": "approle", "approle_role_id": "role", "kv": "v2"}
    one = server(vault, approle_secret_id="secret-id", **config)
    for _ in range(3):
        assert one.fetch("kafka", None, None).content
    logins = [path for _, path in vault.calls if path.endswith("/login")]
    assert logins == ["/v1/auth/approle/login"]
    vault.tokens.clear()
    assert one.fetch("kafka", None, None).content
    with pytest.raises(VaultError, match=r"the login by approle: refuses the request \(400\)"):
        server(vault, approle_secret_id="wrong", **config).fetch("kafka", None, None)


def test_a_wrapped_secret_id_is_unwrapped_once(vault: FakeVault, tmp_path: Path) -> None:
    vault.approles["role"], vault.wrapped["wrapping"] = "secret-id", "secret-id"
    file = tmp_path / "secret-id"
    file.write_text("wrapping\n")
    one = server(
        vault,
        (str(tmp_path),),
        auth_method="approle",
        approle_role_id="role",
        approle_secret_id_file=str(file),
        approle_response_wrapping=True,
    )
    assert one.fetch("kafka", None, None).content
    vault.tokens.clear()
    assert one.fetch("kafka", None, None).content, "the wrapping token is good for one time"


def test_kubernetes_shows_the_service_accounts_token(vault: FakeVault, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("jwt")
    vault.service_accounts["gateway"] = "jwt"
    config: dict[str, Any] = {"auth_method": "kubernetes", "kube_role": "gateway"}
    config["kube_api_token_file"] = str(file)
    one = server(vault, (str(tmp_path),), **config)
    assert one.fetch("kafka", None, None).content
    with pytest.raises(VaultError, match="in none of the folders of the setting vault_folders"):
        server(vault, ("/run/secrets",), **config).fetch("kafka", None, None)


def test_a_token_is_renewed_before_it_ends(vault: FakeVault) -> None:
    clock = Clock()
    vault.allow("mine", 90, renewable=True)
    one = server(vault, clock=clock, token="mine")
    assert one.tend() is None
    assert one.fetch("kafka", None, None).content
    first = one.tend()
    assert first is not None
    assert 50 < first <= 60
    clock.now += 60
    assert one.tend() == pytest.approx(60, abs=1)
    assert vault.calls[-1] == ("POST", "/v1/auth/token/renew-self")
    vault.sealed = True
    clock.now += 60
    one.tend()
    vault.sealed = False
    assert one.fetch("kafka", None, None).content, (
        "one that could not be renewed is good until then"
    )


def test_a_namespace_is_named_in_each_request(vault: FakeVault) -> None:
    vault.namespace = "team"
    assert server(vault, token="root", namespace="team").fetch("kafka", None, None).content
    with pytest.raises(SecretMissing):
        server(vault, token="root").fetch("kafka", None, None)
