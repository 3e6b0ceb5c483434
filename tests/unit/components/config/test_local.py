# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest

from components.config.local import Ports, port_key, read_local
from components.config.reader import ConfigError, ConfigReader, declared


def problems(**changes: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_local(ConfigReader("local", changes))
    return str(caught.value)


def test_the_defaults_of_the_project_file_make_the_local_stack() -> None:
    config = read_local(ConfigReader("local", {}))
    assert config.ports == Ports(8000, 8443, 8001, 8005, 8100, 8101, 9092, 9093)
    assert [topic.name for topic in config.topics] == ["topictest", "topictest2"]
    assert config.routes == "stacks/gateway/local.yaml"
    assert config.workers == 2


def test_every_port_has_its_key_in_the_project_file() -> None:
    assert {port_key(name) for name in Ports.__dataclass_fields__} <= set(declared())


def test_an_unknown_key_is_named_with_the_nearest_known_one() -> None:
    said = problems(proxyPrt="8000")
    assert "stacks/Pulumi.local.yaml" in said
    assert 'proxyPrt: unknown key; did you mean "proxyPort"? allowed: adminArns, ' in said


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("proxyPort", "70000", "proxyPort: 70000 is not a whole number from 1 to 65535"),
        ("proxyPort", "http", "proxyPort: 'http' is not a whole number from 1 to 65535"),
        ("adminPort", "8000", "adminPort: 8000 is also proxyPort"),
        ("workers", "0", "workers: 0 is not a whole number from 1 to 256"),
        ("apiKeySlot", "c", "apiKeySlot: 'c' is not one of a, b"),
        ("logLevel", "loud", "logLevel: 'loud' is not one of debug, info, notice"),
        ("apiKeyGenerations", '{"c": 1}', "apiKeyGenerations.c: unknown slot; allowed: a, b"),
        ("apiKeyGenerations", '{"a": 0}', "apiKeyGenerations.a: 0 is not a number from 1"),
        ("topics", "[]", "topics: there is none"),
        ("topics", "{", "topics: '{' is not a list"),
        ("topics", '["x"]', "topics[0]: 'x' is not a mapping with name, partitions, config"),
        ("topics", '[{"name": "a b"}]', "topics[0].name: 'a b' is no topic name"),
        ("topics", '[{"name": "t", "partitions": 0}]', "topics[0].partitions: 0 is not a whole"),
        ("topics", '[{"name": "t", "partition": 1}]', "topics[0].partition: unknown field"),
        ("topics", '[{"name": "t"}, {"name": "t"}]', "topics: 't' is named twice"),
        ("topics", '[{"name": "t", "config": 1}]', "topics[0].config: 1 is not a mapping"),
    ],
)
def test_a_wrong_value_names_key_value_and_what_is_allowed(key: str, value: str, said: str) -> None:
    assert said in problems(**{key: value})


def test_all_problems_are_told_at_once() -> None:
    said = problems(workers="0", proxyPort="x")
    assert "workers:" in said
    assert "proxyPort:" in said


def test_numbers_that_came_back_as_floats_stay_whole() -> None:
    topics = json.dumps([{"name": "t", "partitions": 3.0, "config": {"retention.ms": 604800000.0}}])
    config = read_local(ConfigReader("local", {"topics": topics}))
    assert config.topics[0].partitions == 3
    assert config.topics[0].config == {"retention.ms": "604800000"}


@pytest.mark.parametrize("name", ["a/b", "..", "x" * 250, "a\n", "", 7])
def test_a_topic_that_kafka_would_refuse_is_refused_by_its_place(name: object) -> None:
    assert "topics[0].name: " in problems(topics=json.dumps([{"name": name}]))
