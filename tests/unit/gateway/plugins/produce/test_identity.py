# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.http.messages import Request
from gateway.plugins.consumers import Consumers, virtual
from gateway.plugins.produce.identity import IdentityOf
from gateway.plugins.produce.records import record_headers
from gateway.plugins.produce.settings import IdentityHeaders, RecordHeaders
from tests.support.producing import request

ANN = {"id": "1", "username": "ann", "custom_id": None}
CONSUMERS = Consumers(
    {
        "consumers": [ANN],
        "acls": [{"consumer": "1", "group": "readers"}, {"consumer": "1", "group": "writers"}],
        "consumer_groups": [{"id": "g", "name": "gold"}, {"id": "h", "name": "bronze"}],
        "consumer_group_consumers": [
            {"consumer": "1", "consumer_group": "g"},
            {"consumer": "1", "consumer_group": "h"},
        ],
    }
)
ALL = {
    "consumer_id": "c-id",
    "consumer_username": "c-name",
    "consumer_custom_id": "c-custom",
    "groups": "c-groups",
    "consumer_groups": "c-consumer-groups",
}


def asked(*headers: tuple[str, str], known: bool = True) -> Request:
    made = request(headers=headers)
    made.consumer = ANN if known else None
    return made


def test_the_consumer_and_its_groups() -> None:
    found = IdentityOf(IdentityHeaders.model_validate(ALL), CONSUMERS)(asked())
    assert found == [
        ("c-id", b"1"),
        ("c-name", b"ann"),
        ("c-groups", b"readers,writers"),
        ("c-consumer-groups", b"bronze,gold"),
    ]


def test_without_a_consumer_there_is_nothing_to_say() -> None:
    identity = IdentityOf(IdentityHeaders.model_validate(ALL), CONSUMERS)
    assert identity(asked(known=False)) == []


def test_the_groups_of_a_token_win() -> None:
    made = asked()
    made.authenticated_groups = ["from-token"]
    config = IdentityHeaders(groups="g")
    assert IdentityOf(config, CONSUMERS)(made) == [("g", b"from-token")]


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("sub", b"s\xc3\xbc"),
        ("realm.roles", b'["a","b"]'),
        ("https://x.test/tenant", b"t"),
        ("dotted.name", b"exact"),
        ("admin", b"true"),
        ("none", None),
        ("sub.more", None),
        ("realm.none", None),
        ("null", None),
    ],
)
def test_claims_are_found_by_name_or_path(claim: str, value: bytes | None) -> None:
    claims = {
        "sub": "sü",
        "realm": {"roles": ["a", "b"]},
        "https://x.test/tenant": "t",
        "dotted.name": "exact",
        "dotted": {"name": "path"},
        "admin": True,
        "null": None,
    }
    made = asked(known=False)
    virtual("s", claims=claims).put_on(made)
    config = IdentityHeaders(claims={claim: "h"})
    assert IdentityOf(config, CONSUMERS)(made) == ([] if value is None else [("h", value)])


@pytest.mark.parametrize("name", ["C-Name", "c-name", "x"])
def test_no_header_of_the_clients_gets_a_name_of_these(name: str) -> None:
    config: dict[str, Any] = {
        "forward_all_by_default": True,
        "name_mappings": {"x": "c-NAME"},
        "identity": {"consumer_username": "c-name"},
    }
    select = record_headers(RecordHeaders.model_validate(config), CONSUMERS)
    assert select is not None
    for known in (True, False):
        found = select(asked((name, "forged"), known=known))
        assert found == [("host", b"gw:8000"), *([("c-name", b"ann")] if known else [])]


def test_nothing_is_made_where_nothing_is_wanted() -> None:
    assert record_headers(RecordHeaders(), CONSUMERS) is None
    assert record_headers(RecordHeaders(identity=IdentityHeaders()), CONSUMERS) is None
    off = {"forward_http_headers_as_record_headers": False, "identity": {"consumer_id": "i"}}
    select = record_headers(RecordHeaders.model_validate(off), CONSUMERS)
    assert select is not None
    assert select(asked(("i", "forged"))) == [("i", b"1")]
