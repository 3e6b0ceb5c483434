# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from gateway.errors import EndpointUnreachable, ResourceError
from provider.retry import pause_before_retry, with_retry


class Starting:
    """An endpoint that is unreachable for the first calls."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __call__(self) -> str:
        self.left -= 1
        if self.left >= 0:
            raise EndpointUnreachable("just starting")
        return "served"


def test_an_endpoint_that_is_just_starting_is_waited_for() -> None:
    assert with_retry(Starting(2), threading.Event()) == "served"


def test_cancelling_ends_the_wait() -> None:
    cancelled = threading.Event()
    cancelled.set()
    endpoint = Starting(2)
    with pytest.raises(EndpointUnreachable):
        with_retry(endpoint, cancelled)
    assert endpoint.left == 1


def test_the_wait_ends_with_the_last_reason() -> None:
    with pytest.raises(EndpointUnreachable, match="just starting"):
        with_retry(Starting(2), threading.Event(), seconds=0)


def test_a_refusal_is_not_repeated() -> None:
    def refuse() -> None:
        raise ResourceError("no")

    with pytest.raises(ResourceError, match="no"):
        with_retry(refuse, threading.Event())


@pytest.mark.parametrize(
    ("said", "pause"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Sat, 28 Nov 2026 12:00:30 GMT", 30.0),
        ("Sat, 28 Nov 2026 11:00:00 GMT", 0.0),
        ("Sat, 28 Nov 2026 12:00:30 -0000", 30.0),
    ],
)
def test_an_api_says_when_to_come_again(said: str, pause: float) -> None:
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    assert pause_before_retry(0, said, now) == pause


@pytest.mark.parametrize("said", ["", "soon", "-1", "1.5", "\u0665"])
def test_without_a_word_of_it_the_pause_doubles_to_half_a_minute(said: str) -> None:
    for attempt in range(40):
        longest = min(30.0, 0.5 * 2.0**attempt)
        assert longest / 2 <= pause_before_retry(attempt, said) <= longest
