# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import VaultError
from gateway.vaults.backend import Surroundings
from gateway.vaults.hashicorp import VaultServer
from gateway.vaults.kinds import backend, configured

ROWS: dict[str, Any] = {
    "team": {"name": "hcv", "config": {"host": "v", "token": "{vault://env/VAULT_TOKEN}"}},
    "cloud": {"name": "gcp", "config": {}},
}


def test_a_vault_of_the_configuration_may_refer_to_the_environment() -> None:
    kind, config = configured("team", ROWS, {}, {"VAULT_TOKEN": "t"})
    assert (kind, config.host, config.token) == ("hcv", "v", "t")
    assert isinstance(backend(kind, config, Surroundings({})), VaultServer)
    with pytest.raises(VaultError, match=r"its settings hold \{vault://env/VAULT_TOKEN\}"):
        configured("team", ROWS, {}, {})


def test_a_kind_has_the_settings_of_the_environment() -> None:
    variables = {"KONG_VAULT_HCV_HOST": "h", "KONG_VAULT_HCV_PORT": "8201"}
    variables["KONG_VAULT_HCV_TOKEN"] = "t"
    _, config = configured("hcv", {}, {"ttl": "5.5"}, variables)
    assert (config.host, config.port, config.token, config.ttl) == ("h", 8201, "t", 5.5)


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("cloud", {}, "vaults of the kind gcp cannot be asked; there are team, cloud, env, file"),
        ("nowhere", {}, "there is no vault nowhere"),
        ("hcv", {}, "token: needed for the auth_method token"),
        ("team", {"ttl": "soon"}, "ttl: "),
        ("team", {"host": "evil"}, "it cannot have the option host; allowed: base64_decode"),
    ],
)
def test_what_cannot_be_asked_is_told(name: str, options: dict[str, str], text: str) -> None:
    with pytest.raises(VaultError) as caught:
        configured(name, ROWS, options, {"VAULT_TOKEN": "t-secret"})
    assert text in str(caught.value)
    assert "t-secret" not in str(caught.value)
