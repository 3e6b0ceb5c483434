# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.entities.plugin_types import plugin_types
from gateway.errors import SchemaViolation
from gateway.plugins.request_transformer_advanced.schema import Config
from tests.support.policies import checked, policy_gateway

NAME = "request-transformer-advanced"


def test_the_defaults_are_kongs() -> None:
    found = checked(NAME)
    assert found["dots_in_keys"] is True
    assert found["allow"] == {"body": None}
    for part in ("add", "append", "replace"):
        assert found[part]["json_types"] == []
    assert Config().replace.uri is None


def test_another_type_is_refused() -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked(NAME, add={"json_types": ["object"]})
    assert "expected one of" in caught.value.fields["config"]["add"]["json_types"]["1"]


async def test_values_have_types_and_names_are_paths() -> None:
    config = {
        "dots_in_keys": False,
        "remove": {"body": ["items[*].internal"]},
        "replace": {"body": ["items[1].n:7"], "json_types": ["number"]},
        "add": {"body": ["customer.vip:true", "count:2"], "json_types": ["boolean", "number"]},
        "append": {"body": ["tags:1"], "json_types": ["number"]},
    }
    body = b'{"items":[{"internal":1,"n":1},{"internal":2,"n":2}],"tags":[0]}'
    async with policy_gateway((NAME, config)) as gateway:
        await gateway.ask("/", "Content-Type: application/json", method="POST", body=body)
        assert gateway.json == {
            "items": [{"n": 7}, {"n": 2}],
            "tags": [0, 1],
            "customer": {"vip": True},
            "count": 2,
        }


async def test_only_what_is_allowed_stays() -> None:
    config = {"allow": {"body": ["id", "by"]}, "add": {"body": ["by:gateway", "more:1"]}}
    async with policy_gateway((NAME, config)) as gateway:
        body = b'{"id":1,"secret":2}'
        await gateway.ask("/", "Content-Type: application/json", method="POST", body=body)
        assert gateway.json == {"id": 1, "by": "gateway"}


async def test_a_dot_is_part_of_a_name_where_nothing_else_is_said() -> None:
    config = {"add": {"body": ["a.b:1"]}}
    async with policy_gateway((NAME, config)) as gateway:
        await gateway.ask("/", "Content-Type: application/json", method="POST", body=b"{}")
        assert gateway.json == {"a.b": "1"}


@pytest.mark.parametrize("field", ["body", "headers", "querystring"])
def test_an_entry_may_be_a_vault_reference(field: str) -> None:
    entry = "{vault://env/upstream-token}"
    for part in ("add", "replace", "append", "rename"):
        assert checked(NAME, **{part: {field: [entry]}})[part][field] == [entry]


def test_it_can_be_limited_to_a_consumer_group() -> None:
    assert not plugin_types()[NAME].no_consumer_group
    assert plugin_types()["cors"].no_consumer_group
