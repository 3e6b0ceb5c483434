# SPDX-License-Identifier: Apache-2.0
"""The gateway's own tags stay in the control plane and its API."""

from __future__ import annotations

import gzip
from typing import Any

import orjson
import pytest

from gateway.data_plane.worker.compile import compile_configuration
from gateway.documents.document import to_table
from gateway.entities.own_tags import without_own_tags
from gateway.hybrid.config_table import config_table
from gateway.hybrid.frame import reconfigure_payload
from gateway.plugins.produce.lua import LuaFunctions
from tests.support.requests import request_of

CONSUMER = {
    "username": "ann",
    "tags": ["staff"],
    "keyauth_credentials": {"first": {"key": "of ann"}},
}
DOCUMENT = {
    "consumers": {"ann": CONSUMER, "bob": {}},
    "services": {
        "s": {"host": "h", "routes": {"r": {"paths": ["/"], "plugins": {"key-auth": {}}}}}
    },
}


@pytest.mark.parametrize(
    ("tags", "left"),
    [
        (["owner:a/b", "x", "key:k"], ["x"]),
        (["owner:a"], None),
        (["owners", "x:owner:"], ["owners", "x:owner:"]),
        ([], []),
        (None, None),
    ],
)
def test_only_own_tags_are_left_out(tags: Any, left: Any) -> None:
    assert without_own_tags({"id": "1", "tags": tags}) == {"id": "1", "tags": left}
    assert without_own_tags({"id": "1"}) == {"id": "1"}


def test_data_planes_get_no_own_tags() -> None:
    table = to_table(DOCUMENT, "org/secret-project/prod", 0)
    assert b"owner:" in orjson.dumps(table)
    sent = config_table(table)
    payload = gzip.decompress(reconfigure_payload(sent))
    assert b"secret-project" not in payload
    assert b"owner:" not in payload
    assert {row["username"]: row["tags"] for row in sent["consumers"]} == {
        "ann": ["staff"],
        "bob": None,
    }


def test_a_consumer_in_a_record_has_no_own_tags_whatever_was_sent() -> None:
    table = to_table(DOCUMENT, "org/secret-project/prod", 0)
    found = compile_configuration(orjson.dumps(table), "h" * 32, {})
    identity = found.consumers.credentials("keyauth_credentials").get(b"of ann")
    assert identity is not None
    request = request_of()
    identity.put_on(request)
    chunk = (
        "return function(m) return {kong.client.get_consumer(), kong.client.get_credential()} end"
    )
    record = LuaFunctions([chunk]).change({}, request)
    assert orjson.loads(record)[0]["tags"] == ["staff"]
    assert b"owner:" not in record
