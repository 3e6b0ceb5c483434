# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import threading

import pytest

from gateway.errors import EndpointUnreachable, ResourceError
from provider.retry import with_retry


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
