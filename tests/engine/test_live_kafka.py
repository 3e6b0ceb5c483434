# SPDX-License-Identifier: Apache-2.0
"""What a change of the configuration does to a Kafka that is live, by the engine's plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.plans import changed, planned, refused
from tools.stubs.session import StubSession
from tools.stubs.warm import warm_session

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StubSession]:
    with warm_session(tmp_path_factory.mktemp("live"), "dev") as session:
        session.write_settings(topics=topic({"retention.ms": 3600000, "segment.ms": 600000}))
        made = session.up()
        assert made.code == 0, made.text
        yield session


def topic(config: dict[str, Any], partitions: int = 1) -> list[dict[str, Any]]:
    return [{"name": "topictest", "partitions": partitions, "config": config}]


def test_a_setting_that_is_taken_out_is_written_as_its_default(live: StubSession) -> None:
    fewer = topic({"segment.ms": 600000})
    assert planned(live, topics=fewer) == ["update kafka-topic-topictest: config"]
    with changed(live, topics=fewer):
        made = live.up()
        assert made.code == 0, made.text
        (found,) = (t for t in live.world.things() if t.type.endswith(":KafkaTopic"))
        assert found.inputs["config"] == {"retention.ms": "604800000", "segment.ms": "600000"}
        assert planned(live) == []
    assert live.up().code == 0


def test_wrong_settings_are_told_at_the_preview(live: StubSession) -> None:
    said = refused(live, topics=topic({"retention.ms": "7d", "retenton.ms": 5}))
    assert "topics[0].config.retention.ms: '7d' is not a whole number from -1" in said
    assert "topics[0].config.retenton.ms: no setting of a topic; did you mean" in said


def test_more_partitions_are_added_and_fewer_are_another_topic(live: StubSession) -> None:
    config = {"retention.ms": 3600000, "segment.ms": 600000}
    more = planned(live, topics=topic(config, 3))
    assert more == ["update kafka-topic-topictest: partitionsCount"]


def test_basic_becomes_standard_in_place_and_nothing_else(live: StubSession) -> None:
    assert planned(live, confluentClusterType="standard") == [
        "update kafka-cluster: basic, standard"
    ]
    said = refused(live, confluentClusterType="dedicated", confluentCku=1)
    assert "confluentClusterType: 'dedicated' in place of basic" in said
    assert "allowed: basic, standard, or make a second stack" in said
