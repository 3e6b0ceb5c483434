# SPDX-License-Identifier: Apache-2.0
"""A node that lets pass what a real OpenID provider has signed, and goes on while that is gone."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from tests.support.node import NodeProcess, running_node
from tests.support.npm_openid_provider import NpmOpenIdProvider, new_key, npm_openid_provider
from tests.support.traffic import Reply, get
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e

FIRST, SECOND = new_key("first"), new_key("second")


class Pair(NamedTuple):
    """A provider, and a node that asks it."""

    provider: NpmOpenIdProvider
    node: NodeProcess

    def status(self, path: str, token: str = "", scheme: str = "Bearer") -> int:
        return self.reply(path, token, scheme).status

    def reply(self, path: str, token: str, scheme: str = "Bearer") -> Reply:
        headers = {"Authorization": f"{scheme} {token}"} if token else {}
        return get(self.node.proxy, path, headers)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = Path(tmp_path_factory.mktemp("openid"))
    with npm_openid_provider() as provider:
        provider.start(FIRST)
        file = folder / "kong.json"
        file.write_bytes(orjson.dumps(configuration(provider.url)))
        with running_node(folder, KONG_DECLARATIVE_CONFIG=str(file)) as node:
            yield Pair(provider, node.ready())


def configuration(issuer: str) -> dict[str, object]:
    """Return routes that differ in how tokens are checked; behind each the plugins respond."""
    client = {"client_id": ["gateway"], "client_secret": ["gateway-secret"]}
    common: dict[str, object] = {
        "issuer": issuer,
        "rediscovery_lifetime": 1,
        "scopes": ["orders"],
        **client,
    }
    configs: dict[str, dict[str, object]] = {
        "jwt": {
            "auth_methods": ["bearer"],
            "audience_required": ["urn:orders"],
            "scopes_required": ["orders"],
            "consumer_claims": [["client_id"]],
        },
        "opaque": {"auth_methods": ["bearer", "introspection"], "cache_ttl_max": 1},
        "grant": {"auth_methods": ["client_credentials", "introspection"]},
        "default": {},
    }
    routes = [
        {
            "name": name,
            "paths": [f"/{name}"],
            "plugins": [
                {"name": "openid-connect", "config": {**common, **config}},
                {"name": "request-termination", "config": {"status_code": 200}},
            ],
        }
        for name, config in configs.items()
    ]
    services = [{"name": "orders", "url": "http://127.0.0.1:9", "routes": routes}]
    return {
        "_format_version": "3.0",
        "services": services,
        "consumers": [{"username": "shop"}],
    }


async def test_signed_tokens_pass_as_their_scopes_allow(pair: Pair) -> None:
    token = await pair.provider.token()
    assert pair.status("/jwt", token) == 200
    assert pair.status("/default", token) == 200
    assert pair.status("/jwt") == 401
    assert pair.status("/jwt", token[:-4] + "AAAA") == 401
    other = pair.reply("/jwt", await pair.provider.token("returns"))
    assert other.status == 403
    assert 'error="insufficient_scope"' in other.headers["www-authenticate"]


async def test_opaque_tokens_pass_until_they_are_called_back(pair: Pair) -> None:
    token = await pair.provider.token(opaque=True)
    assert pair.status("/opaque", token) == 200
    assert pair.status("/jwt", token) == 401
    await pair.provider.post("/token/revocation", token=token)
    eventually(lambda: pair.status("/opaque", token) == 401)


def test_clients_pass_with_their_own_credentials(pair: Pair) -> None:
    for secret, status in (("shop-secret", 200), ("wrong", 401)):
        proof = base64.b64encode(f"shop:{secret}".encode()).decode()
        assert pair.status("/grant", proof, "Basic") == status


async def test_keys_rotate_and_outlive_the_provider(pair: Pair) -> None:
    old = await pair.provider.token()
    assert pair.status("/jwt", old) == 200
    pair.provider.stop()
    # Known and unknown tokens of known keys pass; what must be asked for does not.
    assert pair.status("/jwt", old) == 200
    assert pair.status("/default", old) == 200
    assert pair.status("/opaque", "unknown") == 401
    pair.provider.start(SECOND)
    new = await pair.provider.token()
    eventually(lambda: pair.status("/jwt", new) == 200)
    # Each worker learns of the new keys by itself.
    eventually(lambda: all(pair.status("/jwt", new) == 200 for _ in range(8)))
    eventually(lambda: all(pair.status("/jwt", old) == 401 for _ in range(8)))
    opaque = await pair.provider.token(opaque=True)
    eventually(lambda: pair.status("/opaque", opaque) == 200)
