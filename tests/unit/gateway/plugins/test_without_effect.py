# SPDX-License-Identifier: Apache-2.0
"""What is stored and does nothing is said: in the answer to a write, in releases and by check."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.commands.check import check_file
from gateway.entities import ENTITIES
from gateway.entities.plugin_types import plugin_types
from gateway.plugins.without_effect import without_effect
from tests.support.certificates import self_signed
from tests.support.control_plane import make, running

STREAM = {"name": "r", "protocols": ["tcp"], "sources": [{"ip": "10.0.0.1"}]}
JWK = {"name": "k", "kid": "1", "jwk": '{"kty":"oct","k":"AAAA","kid":"1"}'}


@pytest.mark.parametrize(
    ("path", "entity", "text"),
    [
        ("/keys", JWK, 'keys["k"]: nothing here reads keys'),
        ("/key-sets", {"name": "s"}, 'key_sets["s"]: nothing here reads keys'),
        (
            "/vaults",
            {"prefix": "cloud", "name": "gcp", "config": {"any": "thing"}},
            'vaults["cloud"]: vaults of the kind "gcp" cannot be asked, but env, file, hcv, aws',
        ),
        ("/routes", STREAM, 'routes["r"]: the gateway serves HTTP/1.1, no tcp'),
        ("/routes", {"name": "r", "paths": ["/"], "protocols": ["grpc"]}, "no grpc"),
        ("/routes", {"name": "r", "paths": ["/"], "path_handling": "v1"}, 'path_handling "v1" has'),
        ("/services", {"name": "s", "host": "a.test", "protocol": "tls"}, "no tls"),
        (
            "/services",
            {"name": "s", "host": "a.test", "protocol": "https", "tls_verify_depth": 3},
            "tls_verify_depth has no effect",
        ),
        ("/consumers/ann/key-auth", {"key": "k"}, "keyauth_credentials: no plugin in this config"),
        ("/consumers/ann/acls", {"group": "g"}, 'add "acl"'),
        ("/consumers/ann/jwt", {"key": "k"}, 'add "jwt"'),
        ("/consumers/ann/basic-auth", {"username": "u", "password": "p"}, 'add "basic-auth"'),
        ("/consumers/ann/hmac-auth", {"username": "u"}, 'add "hmac-auth"'),
        ("/consumers/ann/oauth2", {"name": "o"}, "no plugin of this gateway reads them"),
    ],
)
async def test_a_write_without_effect_is_answered_with_a_warning(
    tmp_path: Path, path: str, entity: dict[str, Any], text: str
) -> None:
    async with running(tmp_path) as place:
        await make(place, "/consumers", username="ann")
        reply = await place.ask("POST", path, entity)
        assert reply.status == 201, reply
        warning = reply.headers["Warning"].replace("\\", "")
        assert warning.startswith('299 kafka-gateway "')
        assert text in warning
        put = await place.ask("PUT", f"{path}/{reply.body['id']}", entity)
        assert put.headers["Warning"] == reply.headers["Warning"]


async def test_server_names_are_not_chosen_by_and_certificates_are_of_use(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        cert, key = self_signed()
        made = await place.ask("POST", "/certificates", {"cert": cert, "key": key})
        assert "Warning" not in made.headers
        sni = {"name": "a.test", "certificate": {"id": made.body["id"]}}
        reply = await place.ask("POST", "/snis", sni)
        assert "KONG_SSL_CERT" in reply.headers["Warning"]
        # Also when the name comes with the certificate.
        both = await place.ask("PATCH", f"/certificates/{made.body['id']}", {"snis": ["b.test"]})
        assert "KONG_SSL_CERT" in both.headers["Warning"]


async def test_what_does_something_is_written_without_a_warning(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        for path, entity in (
            ("/services", {"name": "a", "host": "a.test", "protocol": "https"}),
            ("/services/a/routes", {"name": "r", "paths": ["/r"]}),
            ("/routes/r/plugins", {"name": "key-auth"}),
            ("/consumers", {"username": "ann"}),
            ("/consumers/ann/key-auth", {"key": "k"}),
            ("/vaults", {"prefix": "mine", "name": "env"}),
            ("/consumer_groups", {"name": "gold"}),
            ("/upstreams", {"name": "up"}),
            ("/upstreams/up/targets", {"target": "10.0.0.1:80"}),
        ):
            reply = await place.ask("POST", path, entity)
            assert (reply.status, reply.headers.get("Warning")) == (201, None), path
        plugin = (await place.ask("GET", "/plugins")).body["data"][0]
        await place.ask("PATCH", f"/plugins/{plugin['id']}", {"enabled": False})
        late = await place.ask("POST", "/consumers/ann/key-auth", {"key": "other"})
        assert 'add \\"key-auth\\"' in late.headers["Warning"]


async def test_a_release_lists_what_does_nothing_once_for_all(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        sets: dict[str, Any] = {f"set{n}": {} for n in range(5)}
        reply = await place.publish({"key_sets": sets})
        (found,) = reply.body["warnings"]
        assert found.startswith('key_sets["set')
        assert " and 2 more: nothing here reads keys" in found


def test_check_lists_it_too(tmp_path: Path) -> None:
    file = tmp_path / "kong.yaml"
    document = {
        "_format_version": "3.0",
        "key_sets": [{"name": "set"}],
        "consumers": [{"username": "ann", "keyauth_credentials": [{"key": "k"}]}],
    }
    file.write_text(yaml.safe_dump(document))
    warnings, problems = check_file(file, {})
    assert problems == []
    assert len(warnings) == 2
    assert all(text.startswith(str(file)) for text in warnings)


@given(st.sampled_from(sorted(ENTITIES)), st.integers(0, 3))
def test_nothing_is_warned_of_where_there_is_nothing(collection: str, many: int) -> None:
    assert without_effect({collection: []}, plugin_types()) == []
    rows = [{"id": str(number), "name": "x", "target": "x"} for number in range(many)]
    for text in without_effect({collection: rows}, plugin_types()):
        assert rows
        assert text.startswith(collection)
