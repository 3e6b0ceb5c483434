# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import pytest

from components.config.broker_settings import BROKER_SETTINGS, OWN_PREFIXES, read_broker_config
from components.config.reader import ConfigError, ConfigReader
from components.local.broker_config import BrokerConfig, server_properties


def read(**given: Any) -> dict[str, str]:
    reader = ConfigReader("local", {"brokerConfig": json.dumps(given)})
    found = dict(read_broker_config(reader))
    reader.done()
    return found


def test_values_become_the_texts_that_kafka_takes() -> None:
    given = {
        "message.max.bytes": 2000000.0,
        "log.preallocate": True,
        "log.cleanup.policy": "compact",
    }
    assert read(**given) == {
        "log.cleanup.policy": "compact",
        "log.preallocate": "true",
        "message.max.bytes": "2000000",
    }


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("mesage.max.bytes", 1, 'no broker setting of Kafka; did you mean "message.max.bytes"?'),
        ("colour", 1, "no broker setting of Kafka"),
        ("listeners", "PLAINTEXT://:1", "is set by the stack"),
        ("sasl.enabled.mechanisms", "PLAIN", "is set by the stack"),
        ("log.dirs", "/tmp", "is set by the stack"),
        ("num.partitions", [1], "is not a text, a number or a boolean"),
        ("log.cleanup.policy", "compact\nlisteners=x", "holds a line break"),
    ],
)
def test_what_cannot_be_set_is_refused_by_its_name(name: str, value: Any, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(**{name: value})
    (problem,) = refused.value.problems
    assert problem.startswith(f"brokerConfig.{name}: ")
    assert said in problem


def test_what_the_stack_is_made_of_cannot_be_set() -> None:
    config = BrokerConfig("data", "config", 1, 2, ("admin", "secret"))
    written = {line.partition("=")[0] for line in server_properties(config).splitlines()}
    tunable = {name for name in written if name in BROKER_SETTINGS}
    assert all(name.startswith(OWN_PREFIXES) for name in written - tunable)
    assert "listeners" not in tunable
    assert "num.io.threads" in tunable
