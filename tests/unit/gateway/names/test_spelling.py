# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.names.spelling import choices, nearest, nearest_word


def test_advice_has_the_nearest_spelling_and_everything_allowed() -> None:
    assert choices("topik", ["topic", "timeout"]) == (
        'did you mean "topic"? allowed: topic, timeout'
    )
    assert choices("zzz", ["topic"]) == "allowed: topic"


def test_how_alike_words_must_be_may_be_said() -> None:
    assert nearest_word("topik", ["topic"]) == "topic"
    assert nearest_word("topik", ["topic"], 0.93) == ""
    assert nearest("topik", ["topic"]) == 'did you mean "topic"?'
