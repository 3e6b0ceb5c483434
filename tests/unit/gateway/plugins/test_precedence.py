# SPDX-License-Identifier: Apache-2.0
"""Precedence of plugin configurations and the order in which plugins run."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from gateway.entities.plugin_types import PluginType, plugin_types
from gateway.plugins.precedence import PluginTable, execution_order

SCOPES = ["route+service+consumer", "route+service+consumer_group", "route+consumer"]
SCOPES += ["service+consumer", "route+consumer_group", "service+consumer_group", "route+service"]
SCOPES += ["consumer", "consumer_group", "route", "service", ""]
PARTS = ("route", "service", "consumer", "consumer_group")


class _Config(BaseModel):
    pass


def _row(scope: str, **fields: object) -> dict[str, object]:
    parts = scope.split("+")
    row: dict[str, object] = {part: f"{part}-id" if part in parts else None for part in PARTS}
    return {"name": "cors", "enabled": True, "label": scope, **row, **fields}


def _type(
    name: str,
    priority: int,
    *,
    no_consumer: bool = False,
    no_service: bool = False,
    no_route: bool = False,
) -> PluginType:
    return PluginType(
        name,
        "1",
        priority,
        f"{__name__}:_Config",
        "none:None",
        no_consumer=no_consumer,
        no_service=no_service,
        no_route=no_route,
    )


@pytest.mark.parametrize("rank", range(len(SCOPES)))
def test_the_most_specific_configuration_wins(rank: int) -> None:
    table = PluginTable([_row(scope) for scope in reversed(SCOPES[rank:])], {})
    found = table.lookup("cors", "route-id", "service-id", "consumer-id", ("consumer_group-id",))
    assert found is not None
    assert found["label"] == SCOPES[rank]


@pytest.mark.parametrize("scope", ["", "route+", "service+", "route+service+"])
def test_of_several_groups_the_first_counts_where_they_are_equally_specific(scope: str) -> None:
    rows = [
        _row(f"{scope}consumer_group", consumer_group=group, label=group) for group in ("a", "b")
    ]
    table = PluginTable(rows, {})
    for groups, first in ((("a", "b"), "a"), (("b", "a"), "b"), (("c", "b"), "b")):
        found = table.lookup("cors", "route-id", "service-id", None, groups)
        assert found is not None
        assert found["label"] == first
    assert table.lookup("cors", "route-id", "service-id", None, ("c",)) is None
    assert table.groups == {"a", "b"}


def test_a_more_specific_configuration_of_a_later_group_wins() -> None:
    wide = _row("consumer_group", consumer_group="a", label="wide")
    narrow = _row("route+consumer_group", consumer_group="b", label="narrow")
    found = PluginTable([wide, narrow], {}).lookup("cors", "route-id", None, None, ("a", "b"))
    assert found is not None
    assert found["label"] == "narrow"


def test_a_type_that_knows_no_groups_ignores_them() -> None:
    table = PluginTable([_row("consumer_group"), _row("route")], {"cors": _type("cors", 2000)})
    found = table.lookup("cors", "route-id", None, None, ("consumer_group-id",))
    assert found is not None
    assert found["label"] == "route"


def test_another_route_does_not_get_the_configuration() -> None:
    table = PluginTable([_row("route")], {})
    assert table.lookup("cors", "other", "service-id", None) is None


def test_a_global_configuration_serves_a_request_without_anything() -> None:
    table = PluginTable([_row(""), _row("consumer")], {})
    found = table.lookup("cors", None, None, None)
    assert found is not None
    assert found["label"] == ""


def test_a_disabled_configuration_is_not_there() -> None:
    assert PluginTable([_row("", enabled=False)], {}).chain("r", "s", None) == []


def test_a_type_that_knows_no_consumer_ignores_consumers() -> None:
    types = {"cors": _type("cors", 2000, no_consumer=True)}
    table = PluginTable([_row("consumer"), _row("route")], types)
    found = table.lookup("cors", "route-id", None, "consumer-id")
    assert found is not None
    assert found["label"] == "route"


def test_higher_priority_runs_first_and_ties_go_by_name_descending() -> None:
    priorities = {"cors": 2000, "jwt": 1450, "standard-webhooks": 760, "upstream-oauth": 760}
    types = {name: _type(name, priority) for name, priority in priorities.items()}
    assert execution_order(["upstream-oauth", "cors", "standard-webhooks", "jwt"], types) == [
        "cors",
        "jwt",
        "upstream-oauth",
        "standard-webhooks",
    ]


def test_a_plugin_without_a_type_has_priority_zero() -> None:
    types = {"first": _type("first", 1), "last": _type("last", -1)}
    assert execution_order(["last", "other", "first"], types) == ["first", "other", "last"]


def test_kafka_upstream_runs_after_confluent_and_before_aws_lambda() -> None:
    # Kong 3.9 runs aws-lambda at 750.
    types = plugin_types()
    assert types["confluent"].priority > types["kafka-upstream"].priority > 750


def test_a_chain_holds_each_plugin_once_in_order() -> None:
    rows = [
        _row(""),
        _row("route"),
        _row("", name="jwt"),
        _row("service", name="request-termination"),
    ]
    priorities = {"cors": 2000, "jwt": 1450, "request-termination": 2}
    types = {name: _type(name, priority) for name, priority in priorities.items()}
    table = PluginTable(rows, types)
    chain = table.chain("route-id", "service-id", None)
    assert [row["name"] for row in chain] == ["cors", "jwt", "request-termination"]
    assert table.consumers == frozenset()
