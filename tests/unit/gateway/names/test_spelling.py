# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.names.spelling import choices


def test_advice_has_the_nearest_spelling_and_everything_allowed() -> None:
    assert choices("topik", ["topic", "timeout"]) == (
        'did you mean "topic"? allowed: topic, timeout'
    )
    assert choices("zzz", ["topic"]) == "allowed: topic"
