# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway.plugins.logging.fields import LogFields, LogQueueSettings


def test_chunks_and_paths_are_checked() -> None:
    LogFields.model_validate({"custom_fields_by_lua": {"a.b": "return 1"}})
    for wrong in ({"a": "return ("}, {"a..b": "return 1"}, {"": "return 1"}, {"a": ""}):
        with pytest.raises(ValidationError):
            LogFields.model_validate({"custom_fields_by_lua": wrong})


def test_queues_have_the_defaults_and_limits_of_kong() -> None:
    assert LogQueueSettings().model_dump() == {
        "max_batch_size": 1,
        "max_coalescing_delay": 1,
        "max_entries": 10000,
        "max_bytes": None,
        "max_retry_time": 60,
        "initial_retry_delay": 0.01,
        "max_retry_delay": 60,
        "concurrency_limit": 1,
    }
    for field, value in (
        ("max_batch_size", 0),
        ("max_entries", 1000001),
        ("max_coalescing_delay", 3601),
        ("initial_retry_delay", 0),
        ("concurrency_limit", 2),
    ):
        with pytest.raises(ValidationError):
            LogQueueSettings.model_validate({field: value})
