# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pulumi
import pytest

from components.config.cloud import read_confluent
from components.config.reader import declared, default_text
from components.config.topics import read_topics
from components.package import cluster, kafka, local, releases
from components.package.arguments import ComponentArguments

KEYS = {"cluster_type": "confluentClusterType", "cku": "confluentCku", "topics": "topics"}
OF_CONFLUENT = {**kafka.KEYS}


def test_what_is_left_out_has_the_default_of_its_config_key() -> None:
    given = ComponentArguments("it", OF_CONFLUENT, {"region": "us-east-2"})
    made = read_confluent(given)
    given.done()
    assert made.region == "us-east-2"
    assert made.cluster_type == default_text("confluentClusterType")


def test_values_are_read_as_those_of_a_stack_and_numbers_of_the_wire_are_whole() -> None:
    topics = [{"name": "orders", "partitions": 3.0, "config": {"retention.ms": 60000.0}}]
    given = ComponentArguments("it", OF_CONFLUENT, {"topics": topics, "protect": True})
    (topic,) = read_topics(given)
    given.done()
    assert (topic.partitions, topic.config) == (3, {"retention.ms": "60000"})
    assert given.boolean("protect")


def test_every_problem_is_told_at_once_by_the_names_of_the_arguments() -> None:
    given = ComponentArguments(
        "ConfluentKafka kafka",
        OF_CONFLUENT,
        {"cluster_type": "huge", "cku": 2, "topics": [{"name": "a b"}]},
    )
    read_confluent(given)
    read_topics(given)
    with pytest.raises(pulumi.RunError) as refused:
        given.done()
    first, *lines = str(refused.value).splitlines()
    assert first == "ConfluentKafka kafka cannot be made:"
    assert "  clusterType: 'huge' is not one of basic, standard, dedicated" in lines
    assert "  cku: 2 is only for clusterType dedicated" in lines
    assert any(line.startswith("  topics[0].name: ") for line in lines)


@pytest.mark.parametrize(
    "keys",
    [
        kafka.KEYS,
        cluster.EKS_KEYS,
        releases.CONTROL_PLANE_KEYS,
        releases.DATA_PLANE_KEYS,
        local.KAFKA_KEYS,
        local.CONTROL_PLANE_KEYS,
        local.DATA_PLANE_KEYS,
    ],
)
def test_each_argument_has_a_config_key(keys: dict[str, str]) -> None:
    assert set(keys.values()) <= set(declared())
