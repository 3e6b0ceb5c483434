# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.control_plane.ownership import merge
from gateway.control_plane.page.changes import entity_changes
from gateway.documents.deck import checked_format, load_deck
from gateway.documents.deck_lists import keyed
from gateway.documents.deck_writer import as_deck
from gateway.documents.document import from_table
from gateway.documents.yaml_text import load_yaml, write_yaml
from gateway.entities import ENTITIES
from gateway.entities.checks import Table
from gateway.entities.credentials import password_matches
from tests.support.authority import Authority

FILES = sorted(Path("tests/vectors/deck").glob("*.yaml"))
NAMELESS = "0d8c51a6-7b53-4a37-9d0e-7a8bb2a3f0a4"
ID = "7ab3d1f2-4b52-4f33-8ee4-1f8e4a1a7c11"


class _Ports(dict[str, str]):
    """Every variable there may be: a port, or an authority."""

    def __init__(self) -> None:
        super().__init__(DECK_CA=Authority().pem)

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return "9092"


def _published(document: Any, owner: str = "team", before: Table | None = None) -> Table:
    return merge(before or {}, owner, document, 1)


def _dumped(table: Table, owner: str = "team") -> dict[str, Any]:
    return as_deck(from_table(table, owner), owner)


def _read(file: dict[str, Any]) -> dict[str, Any]:
    return keyed(checked_format(load_yaml(write_yaml(file))))


def _every_kind() -> dict[str, Any]:
    authority = Authority()
    pair = authority.issue("shop.test", server=True)
    route = {
        "paths": ["/a"],
        "plugins": {"key-auth": {}, "second": {"name": "acl", "config": {"allow": ["staff"]}}},
    }
    credentials = {
        "keyauth_credentials": {"1": {"key": "k1"}, "2": {"key": "k2"}, "laptop": {"key": "k3"}},
        "basicauth_credentials": {"ann": {"password": "p"}},
        "jwt_secrets": {"j": {"secret": "s"}},
        "hmacauth_credentials": {"h": {"secret": "s"}},
        "acls": {"staff": {}},
        "oauth2_credentials": {"app": {"client_id": "i", "client_secret": "s"}},
        "mtls_auth_credentials": {"ann.test": {"ca_certificate": "authority"}},
        "consumer_group_consumers": {"gold": {"consumer_group": "gold"}},
    }
    return {
        "ca_certificates": {"authority": {"cert": authority.pem}},
        "certificates": {
            "shop": {"cert": pair.certificate, "key": pair.key, "snis": {"shop.test": {}}}
        },
        "services": {
            "s": {
                "url": "https://s.test/x",
                "tags": ["t"],
                "routes": {"r": route},
                "client_certificate": "shop",
            }
        },
        "routes": {ID: {"id": ID, "hosts": ["h.test"]}},
        "upstreams": {"u": {"targets": {"10.0.0.1:80": {"weight": 7}}}},
        "consumers": {
            "ann": {
                **credentials,
                "plugins": {
                    "rate-limiting": {
                        "config": {"minute": 5, "policy": "redis"},
                        "partials": [{"name": "counters"}],
                    },
                    "rate-limiting-advanced": {
                        "config": {"limit": [1], "window_size": [1]},
                        "partials": [{"id": NAMELESS}],
                    },
                },
            }
        },
        "consumer_groups": {"gold": {}},
        "partials": {
            "counters": {"type": "redis-ce", "config": {"host": "r.test"}},
            NAMELESS: {"type": "redis-ee", "id": NAMELESS},
        },
        "vaults": {"env-one": {"name": "env", "config": {"prefix": "A_"}}},
        "key_sets": {"set": {}},
        "keys": {"one": {"kid": "k", "jwk": '{"kty":"oct","kid":"k","k":"AAAA"}', "set": "set"}},
        "plugins": {"key-auth route:r": {"name": "cors", "route": "r"}, "correlation-id": {}},
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_dump_publishes_as_nothing_new(path: Path) -> None:
    table = _published(load_deck(path, {}, _Ports()))
    file = _dumped(table)
    again = _published(_read(file), before=table)
    assert entity_changes(table, again) == []
    assert _dumped(again) == file
    # Also where nothing is yet.
    assert _dumped(_published(_read(file))) == file


def test_every_kind_is_dumped_with_its_id_where_the_key_does_not_tell_it() -> None:
    table = _published(_every_kind())
    kinds = {name for name, rows in table.items() if rows}
    assert kinds == set(ENTITIES)
    file = _dumped(table)
    again = _published(_read(file), before=table)
    ids = {name: sorted(row["id"] for row in rows) for name, rows in table.items()}
    assert {name: sorted(row["id"] for row in rows) for name, rows in again.items()} == ids
    assert _dumped(_published(_read(_dumped(again)), before=again)) == _dumped(again)
    (ann,) = file["consumers"]
    assert ann["groups"] == [{"name": "gold"}]
    assert [one.get("id") is None for one in ann["keyauth_credentials"]] == [True, True, False]


def test_what_means_nothing_is_left_out() -> None:
    file = _dumped(_published({"services": {"s": {"host": "s.test"}}}))
    assert list(file) == ["_format_version", "services"]
    assert None not in file["services"][0].values()


def test_passwords_stay_right_for_another_owner() -> None:
    ann = {"ann": {"basicauth_credentials": {"ann": {"password": "p"}}}}
    file = _dumped(_published({"consumers": ann}))
    table = _published(_read(file), "other")
    (consumer,), (credential,) = table["consumers"], table["basicauth_credentials"]
    assert password_matches("p", consumer["id"], credential["password"])


def test_select_tags_stand_in_the_header_alone() -> None:
    tagged = {"tags": ["t", "own"]}
    ann = {"consumer_group_consumers": {"gold": {"consumer_group": "gold", "tags": ["t"]}}}
    document = {"consumers": {"ann": ann | tagged}, "consumer_groups": {"gold": tagged}}
    live = from_table(merge({}, "team", document, 1), "team")
    file = as_deck(live, "team", ["t"])
    assert file["_info"] == {"select_tags": ["t"]}
    assert file["consumers"] == [{"username": "ann", "tags": ["own"], "groups": [{"name": "gold"}]}]
    again = keyed(checked_format(load_yaml(write_yaml(file))))
    assert merge({}, "team", again, 1, ["t"]) == merge({}, "team", document, 1)
