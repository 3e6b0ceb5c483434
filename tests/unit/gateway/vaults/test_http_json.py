# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.errors import VaultError
from gateway.vaults import http_json
from gateway.vaults.http_json import VaultApi
from tests.support.fake_hashicorp_vault import running_vault
from tests.support.ports import free_ports


def test_a_peer_that_never_responds_costs_one_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_json, "_TIMEOUT", 0.2)
    monkeypatch.setattr(http_json, "_DOWN", 60.0)
    with running_vault() as vault:
        vault.silent = True
        api = VaultApi(vault.url, None)
        for _ in range(20):
            with pytest.raises(VaultError, match="does not respond in time"):
                api.request("GET", "/v1/secret/a", None, {"X-Vault-Token": "root"})
        vault.silent = False
        monkeypatch.setattr(http_json, "_DOWN", 0.0)
        assert api.request("GET", "/v1/secret/a", None, {"X-Vault-Token": "root"})[0] == 404


def test_a_peer_that_is_not_there_is_named() -> None:
    (port,) = free_ports(1)
    with pytest.raises(VaultError, match=f"127.0.0.1:{port} is unreachable"):
        VaultApi(f"http://127.0.0.1:{port}", None).request("GET", "/", None, {})


def test_a_peer_of_another_protocol_is_told() -> None:
    with running_vault() as vault:
        url = vault.url.replace("http:", "https:")
        with pytest.raises(VaultError, match="is unreachable"):
            VaultApi(url, None).request("GET", "/", None, {})
