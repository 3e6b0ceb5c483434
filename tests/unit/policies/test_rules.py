# SPDX-License-Identifier: Apache-2.0
"""Every rule both ways: what it lets through, and what it says against what it does not."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from policies.rules import RULES, UNKNOWNS, PlannedResource, stack_of

TODAY = date(2026, 11, 23)
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
CLUSTER = "eks:index:Cluster"
AWS_CLUSTER = "aws:eks/cluster:Cluster"
RELEASE = "kubernetes:helm.sh/v3:Release"
TOPIC = "confluentcloud:index/kafkaTopic:KafkaTopic"
ACL = "confluentcloud:index/kafkaAcl:KafkaAcl"
ROLE = "confluentcloud:index/roleBinding:RoleBinding"
VPC = "aws:ec2/vpc:Vpc"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
CERTIFICATE = "gateway:index:ClusterCertificate"
CONFIGURATION = "gateway:index:Configuration"
DIGEST = "sha256:" + "0f" * 32

WRITE = {
    "operation": "WRITE",
    "principal": "User:sa-1",
    "resourceName": "orders",
    "patternType": "LITERAL",
    "permission": "ALLOW",
}
TAGS = {"stack": "dev", "project": "kafka-gateway"}


def said(
    rule: str,
    token: str,
    properties: dict[str, Any],
    stack: str = "prod",
    protect: bool = False,
    name: str = "x",
    today: date = TODAY,
) -> list[str]:
    (found,) = [item for item in RULES if item.name == rule]
    return list(found.check(PlannedResource(token, name, stack, properties, protect), today))


# Rule, type, properties that are fine.
FINE: list[tuple[str, str, dict[str, Any]]] = [
    ("kubernetes-version", CLUSTER, {"version": "1.35"}),
    ("kubernetes-version", CLUSTER, {"version": UNKNOWN}),
    ("kubernetes-version", VPC, {}),
    ("kubernetes-standard-support", CLUSTER, {"version": "1.34"}),
    ("kubernetes-standard-support", VPC, {"version": "1.33"}),
    ("pinned-versions", RELEASE, {"version": "2.48.0", "values": {"image": {"tag": "3.10.0.5"}}}),
    (
        "pinned-versions",
        RELEASE,
        {"version": "0.1.0+4f2a", "values": {"image": {"digest": DIGEST}}},
    ),
    ("pinned-versions", RELEASE, {"version": "1.0.0", "values": UNKNOWN}),
    ("private-endpoint", CLUSTER, {"endpointPublicAccess": False}),
    ("private-endpoint", AWS_CLUSTER, {"vpcConfig": {"endpointPublicAccess": False}}),
    ("private-endpoint", CLUSTER, {"endpointPublicAccess": UNKNOWN}),
    ("private-endpoint", INGRESS, {"cidrIpv4": "192.168.0.0/24"}),
    ("protected", CONFIGURATION, {}),
    ("least-privilege", ACL, WRITE),
    ("least-privilege", ACL, {**WRITE, "resourceName": UNKNOWN, "patternType": "PREFIXED"}),
    ("least-privilege", ACL, {**WRITE, "operation": "ALL", "permission": "DENY"}),
    ("least-privilege", ROLE, {"roleName": "DeveloperWrite"}),
    ("tls-verification", CONFIGURATION, {"document": {"services": {"a": {"tls_verify": True}}}}),
    ("tls-verification", RELEASE, {"values": {"env": {"lua_ssl_verify_depth": "1"}}}),
    ("tls-verification", RELEASE, {"values": {"env": {"proxy_server_ssl_verify": "on"}}}),
    ("tags", VPC, {"tags": TAGS}),
    ("tags", VPC, {"tags": UNKNOWN}),
    ("tags", TOPIC, {}),
    ("certificate-lifetimes", CERTIFICATE, {"kind": "server", "validityHours": 397 * 24}),
    ("certificate-lifetimes", CERTIFICATE, {"kind": "ca", "validityHours": 3650 * 24.0}),
    ("certificate-lifetimes", CERTIFICATE, {"kind": "client", "validityHours": UNKNOWN}),
    ("no-plain-secrets", RELEASE, {"values": {"env": {"cluster_cert_key": "/etc/secrets/a/b"}}}),
    (
        "no-plain-secrets",
        RELEASE,
        {"values": {"customEnv": {"kafka_api_secret": {"valueFrom": {"secretKeyRef": {}}}}}},
    ),
]

# Rule, type, properties that are not, and a part of what is said.
WRONG: list[tuple[str, str, dict[str, Any], str]] = [
    ("kubernetes-version", CLUSTER, {}, "missing; pin one of 1.33"),
    ("kubernetes-version", CLUSTER, {"version": "1.21"}, "'1.21' is not one of"),
    ("kubernetes-standard-support", CLUSTER, {"version": "1.33"}, "ended on 2026-07-29"),
    ("pinned-versions", RELEASE, {}, "version: None"),
    ("pinned-versions", RELEASE, {"version": ">=2"}, "'>=2'"),
    (
        "pinned-versions",
        RELEASE,
        {"version": "2.48.0", "values": {"image": {"tag": "latest"}}},
        "'latest' may change",
    ),
    ("pinned-versions", RELEASE, {"version": "2.48.0", "values": {"image": {}}}, "neither tag nor"),
    (
        "pinned-versions",
        RELEASE,
        {"version": "2.48.0", "values": {"image": {"digest": "sha256:1"}}},
        "'sha256:1' is not",
    ),
    ("private-endpoint", CLUSTER, {}, "endpointPublicAccess: None"),
    ("private-endpoint", CLUSTER, {"endpointPublicAccess": True}, "True"),
    ("private-endpoint", AWS_CLUSTER, {"vpcConfig": {}}, "vpcConfig.endpointPublicAccess"),
    (
        "private-endpoint",
        INGRESS,
        {"cidrIpv4": "0.0.0.0/0"},
        "cidrIpv4: every network; allowed in prod",
    ),
    ("private-endpoint", INGRESS, {"cidrIpv6": "::/0"}, "cidrIpv6: every network"),
    ("protected", TOPIC, {}, "not protected"),
    ("protected", VPC, {}, "not protected"),
    ("least-privilege", ACL, {**WRITE, "operation": "ALL"}, "operation: ALL"),
    ("least-privilege", ACL, {**WRITE, "principal": "User:*"}, "every account"),
    ("least-privilege", ACL, {**WRITE, "resourceName": "*"}, "every resource"),
    ("least-privilege", ACL, {**WRITE, "patternType": "PREFIXED", "resourceName": "a"}, "prefix"),
    ("least-privilege", ROLE, {"roleName": "EnvironmentAdmin"}, "beyond this cluster"),
    ("least-privilege", ROLE, {"roleName": "CloudClusterAdmin"}, "only for the account"),
    (
        "tls-verification",
        CONFIGURATION,
        {"document": {"plugins": [{"config": {"ssl_verify": False}}]}},
        "document.plugins[0].config.ssl_verify",
    ),
    ("tls-verification", RELEASE, {"values": {"env": {"proxy_server_ssl_verify": "off"}}}, "off"),
    ("tls-verification", RELEASE, {"insecureSkipTlsVerify": True}, "skips"),
    ("tags", VPC, {}, "'stack' is missing"),
    ("tags", VPC, {"tags": {"stack": "dev"}}, "'project' is missing"),
    ("certificate-lifetimes", CERTIFICATE, {"kind": "server", "validityHours": 9600}, "398 days"),
    ("certificate-lifetimes", CERTIFICATE, {"kind": "ca", "validityHours": 99999}, "3660 days"),
    ("certificate-lifetimes", CERTIFICATE, {"kind": "ca", "earlyRenewalHours": 24}, "a week"),
    (
        "no-plain-secrets",
        RELEASE,
        {"values": {"env": {"admin_token": "hush"}}},
        "values.env.admin_token",
    ),
]


@pytest.mark.parametrize(("rule", "token", "properties"), FINE)
def test_what_is_fine_passes(rule: str, token: str, properties: dict[str, Any]) -> None:
    assert said(rule, token, properties) == []


@pytest.mark.parametrize(("rule", "token", "properties", "part"), WRONG)
def test_what_is_wrong_is_named(
    rule: str, token: str, properties: dict[str, Any], part: str
) -> None:
    (sentence, *_) = said(rule, token, properties)
    assert part in sentence


def test_the_stack_is_the_one_in_the_urn() -> None:
    assert stack_of("urn:pulumi:prod::kafka-gateway::a:b:C$aws:ec2/vpc:Vpc::x") == "prod"


def test_every_rule_is_tried_both_ways() -> None:
    names = {rule.name for rule in RULES}
    assert {case[0] for case in FINE} == names
    assert {case[0] for case in WRONG} == names


@pytest.mark.parametrize(("rule", "token"), [("private-endpoint", CLUSTER), ("protected", TOPIC)])
def test_outside_production_the_same_is_allowed(rule: str, token: str) -> None:
    assert said(rule, token, {}, stack="dev") == []


def test_a_protected_topic_passes_in_production() -> None:
    assert said("protected", TOPIC, {}, protect=True) == []


def test_the_admin_account_may_administer_its_cluster() -> None:
    assert said("least-privilege", ROLE, {"roleName": "CloudClusterAdmin"}, name="k-admin") == []


def test_a_version_past_its_extended_support_is_refused() -> None:
    late = date(2028, 1, 1)
    assert (
        "ended on 2027-12-02"
        in said("kubernetes-version", CLUSTER, {"version": "1.34"}, today=late)[0]
    )


@pytest.mark.parametrize("unknown", sorted(UNKNOWNS))
def test_no_rule_speaks_of_what_is_not_known_yet(unknown: str) -> None:
    tokens = [CLUSTER, RELEASE, ACL, ROLE, VPC, CERTIFICATE, CONFIGURATION]
    keys = ["version", "values", "operation", "principal", "resourceName", "roleName", "tags"]
    properties = dict.fromkeys([*keys, "validityHours", "endpointPublicAccess"], unknown)
    for token in tokens:
        for rule in RULES:
            sentences = said(rule.name, token, properties, protect=True)
            assert sentences == [], (rule.name, token)
