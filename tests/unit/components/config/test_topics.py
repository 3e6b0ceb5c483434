# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import pytest

from components.config.reader import ConfigReader
from components.config.topics import TopicConfig, read_topics


def problems(topics: str) -> str:
    reader = ConfigReader("local", {"topics": topics})
    read_topics(reader)
    return "\n".join(reader.problems)


def topics(*given: dict[str, Any]) -> tuple[TopicConfig, ...]:
    reader = ConfigReader("local", {"topics": json.dumps(given)})
    found = read_topics(reader)
    reader.done()
    return found


def test_a_topic_has_one_partition_and_the_brokers_settings_unless_more_is_said() -> None:
    assert topics({"name": "t"}) == (TopicConfig("t", 1, {}),)


def test_numbers_that_came_back_as_floats_stay_whole() -> None:
    config = {"retention.ms": 604800000.0, "preallocate": True}
    (topic,) = topics({"name": "t", "partitions": 3.0, "config": config})
    assert topic == TopicConfig("t", 3, {"preallocate": "true", "retention.ms": "604800000"})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("[]", "topics: there is none"),
        ("{", "topics: '{' is not a list"),
        ('["x"]', "topics[0]: 'x' is not a mapping with name, partitions, config"),
        ('[{"name": "a b"}]', "topics[0].name: 'a b' is no topic name"),
        ('[{"name": "t", "partitions": 0}]', "topics[0].partitions: 0 is not a whole"),
        ('[{"name": "t", "partition": 1}]', "topics[0].partition: unknown field"),
        ('[{"name": "t"}, {"name": "t"}]', "topics: 't' is named twice"),
        ('[{"name": "t", "config": 1}]', "topics[0].config: 1 is not a mapping"),
    ],
)
def test_a_wrong_value_names_its_place_and_what_is_allowed(given: str, said: str) -> None:
    assert said in problems(given)


@pytest.mark.parametrize("name", ["a/b", "..", "x" * 250, "a\n", "", 7])
def test_a_topic_that_kafka_would_refuse_is_refused_by_its_place(name: object) -> None:
    assert "topics[0].name: " in problems(json.dumps([{"name": name}]))


@pytest.mark.parametrize("pair", [("a.b", "a_b"), ("x.y.z", "x_y.z"), ("x_y.z", "x.y_z")])
def test_topics_that_kafka_takes_for_one_are_refused_together(pair: tuple[str, str]) -> None:
    said = problems(json.dumps([{"name": name} for name in (*pair, "a", "ab")]))
    first, second = sorted(pair)
    assert said.startswith(f"topics: '{first}' and '{second}' cannot stand side by side")
    assert len(said.splitlines()) == 1


def test_dots_and_underscores_alone_are_no_collision() -> None:
    assert len(topics({"name": "a.b"}, {"name": "a.c"}, {"name": "a_d"}, {"name": "a-b"})) == 4
