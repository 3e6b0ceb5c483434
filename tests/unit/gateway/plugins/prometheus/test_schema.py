# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.errors import SchemaViolation
from tests.support.policies import checked

OFF = (
    "per_consumer",
    "status_code_metrics",
    "latency_metrics",
    "bandwidth_metrics",
    "upstream_health_metrics",
    "ai_metrics",
    "wasm_metrics",
)


def test_everything_is_off_by_default() -> None:
    assert checked("prometheus") == dict.fromkeys(OFF, False)


@pytest.mark.parametrize("name", ["ai_metrics", "wasm_metrics"])
def test_what_is_not_here_can_only_be_off(name: str) -> None:
    assert checked("prometheus", **{name: False})[name] is False
    with pytest.raises(SchemaViolation, match=name):
        checked("prometheus", **{name: True})
