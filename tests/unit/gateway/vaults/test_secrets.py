# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
from typing import Any

import pytest

from gateway.errors import SecretMissing, VaultError
from gateway.vaults.backend import Backend, FetchedSecret, Surroundings
from gateway.vaults.secrets import Resolved, Secrets

KAFKA = "{vault://my-vault/kafka/password}"


class Vault:
    """A vault of any kind whose secrets, failures and calls a test sees."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.content: Any = {"password": "first", "user": "u", "port": 9092, "none": ""}
        self.life: float | None = None
        self.failure: VaultError | None = None
        self.calls: list[str] = []
        self.made = 0

    def fetch(self, resource: str, key: str | None, version: int | None) -> FetchedSecret:
        """See ``Backend``."""
        self.calls.append(resource)
        if self.failure is not None:
            raise self.failure
        return FetchedSecret(self.content, self.life)

    def tend(self) -> float | None:
        """See ``Backend``."""
        return None

    def secrets(self) -> Secrets:
        """Return a cache in front of it."""

        def make(kind: str, config: Any, surroundings: Surroundings) -> Backend:
            self.made += 1
            return self

        return Secrets(Surroundings({}), lambda: self.now, make)


@pytest.fixture
def vault() -> Vault:
    return Vault()


def ask(secrets: Secrets, *wanted: str, **config: Any) -> Resolved:
    row = {"prefix": "my-vault", "name": "hcv", "config": {"token": "t", **config}}
    return secrets.resolve({"my-vault": row}, wanted or [KAFKA])


def test_members_of_one_secret_are_fetched_together_and_kept(vault: Vault) -> None:
    secrets = vault.secrets()
    wanted = [KAFKA, "{vault://my-vault/kafka/user}", "{vault://my-vault/kafka/port}"]
    for _ in range(3):
        found = ask(secrets, *wanted)
        assert [found.values[name] for name in wanted] == ["first", "u", "9092"]
    assert (vault.calls, vault.made) == (["kafka"], 1)
    assert found.due == math.inf


def test_a_secret_as_a_whole_is_json_and_a_key_it_has_not_is_told(vault: Vault) -> None:
    found = ask(vault.secrets(), "{vault://my-vault/kafka}", "{vault://my-vault/kafka/none}")
    assert found.values["{vault://my-vault/kafka}"].startswith('{"password":"first"')
    assert found.problems == {
        "{vault://my-vault/kafka/none}": "the secret has no such key, or no text"
    }


def test_a_secret_is_fetched_again_when_its_time_is_over(vault: Vault) -> None:
    secrets = vault.secrets()
    assert ask(secrets, ttl=60.0).due == 60
    vault.content = {"password": "second"}
    vault.now += 59
    assert ask(secrets, ttl=60.0).values[KAFKA] == "first"
    vault.now += 1
    assert ask(secrets, ttl=60.0).values[KAFKA] == "second"


def test_a_reference_may_have_a_time_of_its_own_and_a_lease_has_one(vault: Vault) -> None:
    assert ask(vault.secrets(), "{vault://my-vault/kafka/password?ttl=7}").due == 7
    vault.life = 30.0
    assert ask(vault.secrets()).due == 30


@pytest.mark.parametrize("failure", [VaultError("is sealed"), SecretMissing("is gone")])
def test_an_old_secret_is_used_while_no_new_one_can_be_had(
    vault: Vault, failure: VaultError
) -> None:
    secrets = vault.secrets()
    ask(secrets, ttl=10.0, resurrect_ttl=100.0)
    vault.failure = failure
    vault.now += 10
    found = ask(secrets, ttl=10.0, resurrect_ttl=100.0)
    assert (found.values[KAFKA], found.due) == ("first", 5)
    assert ask(secrets, ttl=10.0, resurrect_ttl=100.0).values[KAFKA] == "first"
    assert len(vault.calls) == 2, "it is not asked for each time"
    vault.now += 101
    assert ask(secrets, ttl=10.0, resurrect_ttl=100.0).problems == {KAFKA: str(failure)}
    vault.failure = None
    vault.now += 6
    assert ask(secrets, ttl=10.0, resurrect_ttl=100.0).values[KAFKA] == "first"


def test_a_failure_holds_for_its_time(vault: Vault) -> None:
    secrets = vault.secrets()
    vault.failure = SecretMissing("there is no secret kafka")
    for expected in (1, 1, 2):
        assert ask(secrets, neg_ttl=30.0).problems == {KAFKA: "there is no secret kafka"}
        assert len(vault.calls) == expected
        vault.now += 16
    without = vault.secrets()
    for _ in range(2):
        ask(without)
    assert len(vault.calls) == 4


def test_an_expired_secret_is_fetched_and_stays_when_that_fails(vault: Vault) -> None:
    secrets = vault.secrets()
    ask(secrets)
    vault.failure = VaultError("is sealed")
    secrets.expire()
    assert ask(secrets).values[KAFKA] == "first"
    vault.failure, vault.content = None, {"password": "second"}
    secrets.expire()
    assert ask(secrets).values[KAFKA] == "second"


def test_only_what_is_wanted_is_kept(vault: Vault) -> None:
    secrets = vault.secrets()
    ask(secrets, "{vault://my-vault/a/password}", "{vault://my-vault/b/password}")
    ask(secrets, "{vault://my-vault/a/password}")
    ask(secrets, "{vault://my-vault/b/password}")
    assert sorted(vault.calls) == ["a", "b", "b"]


def test_base64_is_decoded_where_the_vault_says_so(vault: Vault) -> None:
    vault.content = {"password": "cMOkc3M=", "user": "no base64!"}
    wanted = [KAFKA, "{vault://my-vault/kafka/user}"]
    found = ask(vault.secrets(), *wanted, base64_decode=True)
    assert found.values == {KAFKA: "päss"}
    assert list(found.problems) == ["{vault://my-vault/kafka/user}"]


def test_secrets_are_in_no_representation(vault: Vault) -> None:
    found = ask(vault.secrets())
    assert "first" not in repr(found)
    assert "first" not in repr(vault.fetch("kafka", None, None))
