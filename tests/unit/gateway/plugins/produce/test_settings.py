# SPDX-License-Identifier: Apache-2.0
"""What ``kafka-upstream`` and ``confluent`` are refused alike."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.entities import validate_row
from gateway.errors import SchemaViolation
from gateway.plugins.kafka_upstream.schema import Config


@pytest.mark.parametrize("name", ["kafka-upstream", "confluent"])
@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"forward_body": False}, "at least one of these attributes must be true"),
        ({"message_by_lua_functions": ["return 1"]}, "function 1: must return a function"),
        ({"max_record_size": 1}, "max_record_size"),
        ({"producer_request_acks": 2}, "producer_request_acks"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(
    name: str, config: dict[str, Any], problem: str
) -> None:
    with pytest.raises(SchemaViolation) as caught:
        validate_row("plugins", {"name": name, "config": {"topic": "t", **config}})
    assert problem in str(caught.value.fields)


SHOWN = {"user": "{vault://hcv/kafka/user}", "password": "{vault://hcv/kafka/password}"}


@pytest.mark.parametrize(
    ("credentials", "text"),
    [
        ([], "length must be at least 1"),
        ([SHOWN], "exactly one of these fields must be set: 'consumer', 'consumer_group'"),
        ([{**SHOWN, "consumer": "a", "consumer_group": "g"}], "exactly one of these fields"),
        ([{**SHOWN, "consumer": "a"}, {**SHOWN, "consumer": "a"}], "more than one for a"),
        ([{"consumer": "a", "user": "u"}], "required field missing"),
    ],
)
def test_each_credential_is_for_one_consumer_or_group(
    credentials: list[dict[str, str]], text: str
) -> None:
    config = {"topic": "t", "consumer_credentials": {"credentials": credentials}}
    with pytest.raises(SchemaViolation) as caught:
        validate_row("plugins", {"name": "kafka-upstream", "config": config})
    assert text in str(caught.value)


def test_a_handler_is_made_anew_when_the_consumers_change_that_it_names() -> None:
    def reads(**more: object) -> tuple[str, ...]:
        return Config.model_validate({"topic": "t", **more}).reads

    assert reads() == reads(headers={"include_headers": ["a"]}) == ()
    assert "consumers" in reads(headers={"identity": {"consumer_id": "i"}})
    by_name = {"credentials": [{**SHOWN, "consumer": "a"}]}
    by_group = {"credentials": [{**SHOWN, "consumer_group": "g"}]}
    assert reads(consumer_credentials=by_name) == ()
    assert "consumer_group_consumers" in reads(consumer_credentials=by_group)
