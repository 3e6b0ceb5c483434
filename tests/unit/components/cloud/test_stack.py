# SPDX-License-Identifier: Apache-2.0
"""The whole program of each cloud stack under mocks."""

from __future__ import annotations

from datetime import date

import pytest

from policies.rules import RULES, PlannedResource
from tests.support.cloud import bare, of, stand_up
from tests.support.registrations import Registration

STACKS = ("dev", "staging", "prod", "konnect")


@pytest.fixture(scope="module", params=STACKS)
def stack(request: pytest.FixtureRequest) -> tuple[str, list[Registration]]:
    return request.param, stand_up(request.param)


def test_only_components_stand_at_the_root(stack: tuple[str, list[Registration]]) -> None:
    _, found = stack
    for one in found:
        at_the_root = one.parent == "" or one.parent.split("::")[2] == "pulumi:pulumi:Stack"
        assert at_the_root == one.type.startswith("kafka-gateway:"), one.name


TOKENS = {
    "certificates": "kafka-gateway:certificates:ClusterCertificates",
    "cluster": "kafka-gateway:eks:GatewayCluster",
    "data-plane": "kafka-gateway:data-plane:GatewayRelease",
    "kafka": "kafka-gateway:confluent:ConfluentKafka",
    "routes": "kafka-gateway:routes:GatewayRoutes",
}


def test_type_tokens_stay_whatever_a_class_is_called(stack: tuple[str, list[Registration]]) -> None:
    # A token is in the URN of everything below its component, so a new one replaces all of it.
    _, found = stack
    tokens = {one.name: one.type for one in found if one.type.startswith("kafka-gateway:")}
    own = tokens.pop("control-plane")
    assert own.startswith(("kafka-gateway:control-plane:", "kafka-gateway:konnect:"))
    assert tokens == TOKENS


def test_everything_in_kubernetes_names_the_one_cluster(
    stack: tuple[str, list[Registration]],
) -> None:
    _, found = stack
    for one in found:
        if one.type.startswith("kubernetes:"):
            assert "::cluster-kubernetes" in one.provider, one.name


def test_no_policy_has_anything_to_say_against_it(stack: tuple[str, list[Registration]]) -> None:
    name, found = stack
    today = date(2026, 11, 23)
    for one in found:
        resource = PlannedResource(one.type, one.name, name, one.inputs, one.protect)
        for rule in RULES:
            assert list(rule.check(resource, today)) == [], (rule.name, one.name)


@pytest.mark.parametrize("name", STACKS)
def test_a_preview_before_anything_is_there_registers_the_same(name: str) -> None:
    before = {(one.type, one.name) for one in stand_up(name, preview=True)}
    assert before == {(one.type, one.name) for one in stand_up(name)}


def test_the_routes_reach_our_control_plane_by_a_port_forward_unless_an_address_is_given() -> None:
    (routes,) = of(stand_up("dev"), "gateway:index:Configuration").values()
    forward = bare(routes.inputs["admin"])["forward"]
    assert forward["pod"] == "kong-cp-kong-0"
    assert forward["namespace"] == "kong-dp"
    assert forward["port"] == "8001"
    assert routes.deleted_with.endswith("::control-plane")
    (other,) = of(
        stand_up("dev", adminUrl="https://admin.example.com"), "gateway:index:Configuration"
    ).values()
    assert bare(other.inputs["admin"])["url"] == "https://admin.example.com"
    assert "forward" not in bare(other.inputs["admin"])
