# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest

from components.local.kafka import LocalKafka, LocalKafkaArgs
from tests.support.cloud import bare, of
from tests.support.local import answer, config, identity
from tests.support.registrations import Registration, register


def kafka(**changes: str) -> list[Registration]:
    def make() -> None:
        wanted = config(**changes)
        LocalKafka(
            "kafka",
            LocalKafkaArgs(
                wanted.ports,
                identity(),
                wanted.topics,
                wanted.api_key_slot,
                wanted.api_key_generations,
                wanted.broker_config,
            ),
        )

    return register(make, answer)


@pytest.fixture(scope="module")
def found() -> list[Registration]:
    return kafka()


def rules_of(found: list[Registration], key: str) -> list[dict[str, str]]:
    """Return the access rules of the users whose key holds ``key``."""
    rules = [dict(one.inputs) for one in of(found, "gateway:kafka:Acl").values()]
    assert all(rule["permission"] == "allow" for rule in rules)
    return [rule for rule in rules if key in rule["principal"]]


def test_the_api_keys_may_write_their_topics_and_nothing_else(found: list[Registration]) -> None:
    api = rules_of(found, "api-key")
    # Which lets them describe, too.
    assert {rule["operation"] for rule in api} == {"write"}
    assert {rule["resourceType"] for rule in api} == {"topic"}
    assert {rule["resourceName"] for rule in api} == {"topictest", "topictest2"}
    assert {rule["principal"] for rule in api} == {
        "User:kafka-api-key-a-key",
        "User:kafka-api-key-b-key",
    }


def test_the_reader_key_may_read_and_nothing_else(found: list[Registration]) -> None:
    mine = rules_of(found, "reader")
    assert {(rule["resourceType"], rule["operation"]) for rule in mine} == {
        ("topic", "read"),
        ("group", "read"),
    }
    (groups,) = [rule for rule in mine if rule["resourceType"] == "group"]
    assert (groups["resourceName"], groups["patternType"]) == ("kafka-gateway", "prefixed")


def test_topics_and_rules_go_with_their_broker(found: list[Registration]) -> None:
    for kind in ("gateway:kafka:Topic", "gateway:kafka:Acl"):
        for one in of(found, kind).values():
            assert one.deleted_with.endswith("::kafka"), one.name
            assert one.is_secret("endpoint")


def test_the_broker_gets_its_passwords_in_a_file_and_not_on_the_command_line(
    found: list[Registration],
) -> None:
    (broker,) = of(found, "gateway:local:Process").values()
    assert broker.is_secret("files")
    assert "kafka-reader-secret" in bare(broker.inputs["files"])["server.properties"]
    assert "secret" not in json.dumps(broker.inputs["command"])


def test_a_raised_generation_makes_the_other_key_anew_and_leaves_the_one_in_use() -> None:
    before = of(kafka(), "gateway:index:Credential")
    after = of(kafka(apiKeyGenerations='{"a": 1, "b": 2}'), "gateway:index:Credential")
    changed = [name for name in before if before[name].raw != after[name].raw]
    assert changed == ["kafka-api-key-b"]


def test_settings_of_the_stack_file_are_in_the_brokers(found: list[Registration]) -> None:
    def properties(registrations: list[Registration]) -> str:
        (broker,) = of(registrations, "gateway:local:Process").values()
        return str(bare(broker.inputs["files"])["server.properties"])

    assert "num.io.threads=4\n" in properties(found)
    given = json.dumps({"num.io.threads": 9, "message.max.bytes": 5000})
    text = properties(kafka(brokerConfig=given))
    assert "num.io.threads=9\n" in text
    assert "message.max.bytes=5000\n" in text
