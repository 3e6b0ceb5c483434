# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from components.cloud.confluent import bootstrap_servers
from components.cloud.stack import make_kafka
from tests.support.cloud import of, stand_up_part
from tests.support.registrations import Registration

PACKAGE = "confluentcloud:index/"


def kafka(stack: str, **changes: Any) -> list[Registration]:
    return stand_up_part(make_kafka, stack, **changes)


@pytest.fixture(scope="module")
def prod() -> list[Registration]:
    return kafka("prod")


@pytest.fixture(scope="module")
def konnect() -> list[Registration]:
    return kafka("konnect")


def test_everything_is_below_the_component_and_names_its_provider(prod: list[Registration]) -> None:
    for one in prod:
        if one.type.startswith(PACKAGE):
            assert one.parent.endswith("::kafka"), one.name
            assert "::kafka-confluent" in one.provider or "::kafka-cluster-admin" in one.provider


def test_the_cluster_is_the_one_that_was_made_by_hand(konnect: list[Registration]) -> None:
    (cluster,) = of(konnect, f"{PACKAGE}kafkaCluster:KafkaCluster").values()
    assert cluster.inputs["displayName"] == "cluster_0"
    assert cluster.inputs["cloud"] == "AWS"
    assert cluster.inputs["region"] == "us-east-2"
    assert cluster.inputs["availability"] == "SINGLE_ZONE"
    assert "basic" in cluster.inputs
    (topic,) = of(konnect, f"{PACKAGE}kafkaTopic:KafkaTopic").values()
    assert (topic.inputs["topicName"], topic.inputs["partitionsCount"]) == ("topictest", 1)


@pytest.mark.parametrize(("kind", "cku"), [("basic", 0), ("standard", 0), ("dedicated", 2)])
def test_a_cluster_has_exactly_one_type(kind: str, cku: int) -> None:
    found = kafka("dev", confluentClusterType=kind, confluentCku=cku)
    (cluster,) = of(found, f"{PACKAGE}kafkaCluster:KafkaCluster").values()
    assert {"basic", "standard", "dedicated"} & set(cluster.inputs) == {kind}


def test_the_admin_key_waits_for_its_role(prod: list[Registration]) -> None:
    key = of(prod, f"{PACKAGE}apiKey:ApiKey")["kafka-admin-key"]
    assert key.depends_on("kafka-admin")
    (binding,) = of(prod, f"{PACKAGE}roleBinding:RoleBinding").values()
    assert binding.inputs["roleName"] == "CloudClusterAdmin"
    assert binding.delete_before_replace


def test_the_admin_secret_is_in_a_provider_and_in_no_topic(prod: list[Registration]) -> None:
    provider = of(prod, "pulumi:providers:confluentcloud")["kafka-cluster-admin"]
    assert provider.is_secret("kafkaApiSecret")
    for kind in ("kafkaTopic:KafkaTopic", "kafkaAcl:KafkaAcl"):
        for one in of(prod, f"{PACKAGE}{kind}").values():
            assert "credentials" not in one.inputs
            assert "::kafka-cluster-admin" in one.provider
            assert one.deleted_with.endswith("::kafka-cluster")


def test_every_key_is_secret_and_goes_with_its_cluster(prod: list[Registration]) -> None:
    keys = of(prod, f"{PACKAGE}apiKey:ApiKey")
    assert set(keys) == {
        "kafka-admin-key",
        "kafka-api-a-1-key",
        "kafka-api-b-1-key",
        "kafka-reader-key",
    }
    for key in keys.values():
        assert "secret" in key.secret_outputs
        assert key.deleted_with.endswith("::kafka-cluster")
        assert not key.delete_before_replace, "the new key must be there before the old one goes"
        assert key.timeouts["create"] == "15m"


def test_a_raised_generation_makes_a_new_key_and_leaves_the_other() -> None:
    found = kafka("dev", apiKeyGenerations={"a": 1, "b": 2})
    names = set(of(found, f"{PACKAGE}apiKey:ApiKey"))
    assert {"kafka-api-a-1-key", "kafka-api-b-2-key"} <= names


def test_the_application_may_write_its_topics_and_nothing_else(prod: list[Registration]) -> None:
    rules = of(prod, f"{PACKAGE}kafkaAcl:KafkaAcl")
    mine = [rule.inputs for name, rule in rules.items() if "application" in name]
    assert {rule["operation"] for rule in mine} == {"WRITE", "DESCRIBE"}
    assert {rule["resourceType"] for rule in mine} == {"TOPIC"}
    assert {rule["resourceName"] for rule in mine} == {"topictest"}
    assert {rule["principal"] for rule in mine} == {"User:kafka-application-id"}


def test_the_reader_may_read_with_groups_of_the_command_line_only(
    prod: list[Registration],
) -> None:
    rules = of(prod, f"{PACKAGE}kafkaAcl:KafkaAcl")
    group = rules["kafka-reader-groups"].inputs
    assert (group["resourceName"], group["patternType"]) == ("kafka-gateway", "PREFIXED")
    mine = [rule.inputs for name, rule in rules.items() if "reader" in name]
    assert {rule["operation"] for rule in mine} == {"READ", "DESCRIBE"}


def test_prod_protects_what_holds_records_and_retains_its_topics(prod: list[Registration]) -> None:
    for kind in ("environment:Environment", "kafkaCluster:KafkaCluster", "kafkaTopic:KafkaTopic"):
        assert all(one.protect for one in of(prod, f"{PACKAGE}{kind}").values())
    assert all(one.retain for one in of(prod, f"{PACKAGE}kafkaTopic:KafkaTopic").values())
    dev = kafka("dev")
    assert not any(one.protect or one.retain for one in dev)


def test_a_schema_registry_comes_with_the_environment() -> None:
    found = kafka("dev", schemaRegistry=True)
    (environment,) = of(found, f"{PACKAGE}environment:Environment").values()
    assert environment.inputs["streamGovernance"] == {"package": "ESSENTIALS"}


@pytest.mark.parametrize(
    ("endpoint", "servers"),
    [
        ("SASL_SSL://pkc-1.aws.confluent.cloud:9092", [("pkc-1.aws.confluent.cloud", 9092)]),
        ("a:9092,b:9093", [("a", 9092), ("b", 9093)]),
    ],
)
def test_the_scheme_is_no_part_of_a_server(endpoint: str, servers: list[tuple[str, int]]) -> None:
    expected = [{"host": host, "port": port} for host, port in servers]
    assert bootstrap_servers(endpoint) == expected
