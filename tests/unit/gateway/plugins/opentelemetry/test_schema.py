# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import SchemaViolation
from tests.support.policies import checked

NAME = "opentelemetry"
URL = "http://127.0.0.1:4318/v1/traces"


def test_the_defaults_are_kongs() -> None:
    found = checked(NAME)
    assert found["queue"]["max_batch_size"] == 200
    assert found["propagation"]["default_format"] == "w3c"
    assert (found["connect_timeout"], found["send_timeout"], found["read_timeout"]) == (
        1000,
        5000,
        5000,
    )
    assert found["header_type"] == "preserve"
    assert found["sampling_strategy"] == "parent_drop_probability_fallback"


def test_the_former_name_of_the_endpoint_still_counts() -> None:
    assert checked(NAME, endpoint=URL)["traces_endpoint"] == URL


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"logs_endpoint": URL}, "logs_endpoint"),
        ({"access_logs_endpoint": URL}, "access_logs_endpoint"),
        ({"metrics": {"endpoint": URL}}, "metrics"),
        ({"access_logs": {"endpoint": URL}}, "access_logs"),
        ({"headers": {"Content-Type": "text/plain"}}, "headers"),
        ({"sampling_rate": 1.1}, "sampling_rate"),
        ({"header_type": "x"}, "header_type"),
        ({"propagation": {"extract": ["b3-single"]}}, "propagation"),
        ({"traces_endpoint": "ftp://collector:4317"}, "traces_endpoint"),
    ],
)
def test_what_cannot_be_is_refused(config: dict[str, Any], field: str) -> None:
    with pytest.raises(SchemaViolation, match=field):
        checked(NAME, **config)


def test_what_means_off_is_accepted() -> None:
    found = checked(NAME, metrics={"push_interval": 30}, access_logs={})
    assert found["metrics"]["push_interval"] == 30
