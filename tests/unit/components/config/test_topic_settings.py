# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from components.config.topic_settings import (
    CONFLUENT_SETTINGS,
    KAFKA_SETTINGS,
    setting_problem,
    with_defaults,
)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("retention.ms", "7d", "'7d' is not a whole number from -1"),
        ("retention.ms", "-2", "'-2' is not a whole number from -1"),
        ("retention.ms", str(2**63), "is not a whole number from -1"),
        ("retention.ms", "\u0667", "is not a whole number from -1"),
        ("retenton.ms", "1", 'no setting of a topic; did you mean "retention.ms"?'),
        ("cleanup.policy", "compacted", "'compacted' is not one of delete, compact"),
        ("message.timestamp.type", "createtime", "is not one of CreateTime, LogAppendTime"),
    ],
)
def test_names_and_values_are_those_of_kafka(name: str, value: str, said: str) -> None:
    for settings in (KAFKA_SETTINGS, CONFLUENT_SETTINGS):
        assert said in setting_problem(name, value, settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [("cleanup.policy", "compact,delete"), ("retention.ms", "-1"), ("segment.ms", "604800000")],
)
def test_what_kafka_takes_is_taken(name: str, value: str) -> None:
    assert setting_problem(name, value, KAFKA_SETTINGS) == ""
    assert setting_problem(name, value, CONFLUENT_SETTINGS) == ""


def test_each_place_has_settings_of_its_own() -> None:
    assert setting_problem("compression.type", "zstd", KAFKA_SETTINGS) == ""
    assert "no setting of a topic" in setting_problem(
        "compression.type", "zstd", CONFLUENT_SETTINGS
    )
    assert "is not a number from 0 to 1" in setting_problem(
        "min.cleanable.dirty.ratio", "half", KAFKA_SETTINGS
    )


def test_every_default_of_confluent_is_a_value_that_it_takes() -> None:
    for name, setting in CONFLUENT_SETTINGS.items():
        assert setting.default, name
        assert setting.problem(setting.default) == "", name


def test_what_is_taken_out_is_written_as_its_default_and_then_stays_so() -> None:
    live = {"retention.ms": "1", "segment.ms": "5", "confluent.later": "x"}
    found = with_defaults({"segment.ms": "7"}, live)
    assert found == {"retention.ms": "604800000", "segment.ms": "7", "confluent.later": "x"}
    assert with_defaults({"segment.ms": "7"}, found) == found
