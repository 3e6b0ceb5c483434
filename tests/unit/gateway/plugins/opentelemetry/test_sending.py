# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.errors import OutgoingError
from gateway.outgoing.client import HttpClient
from gateway.plugins.opentelemetry.sending import SpanReceiver, send_spans
from tests.support.otlp import receiving


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_receiver_that_is_busy_is_asked_again(status: int) -> None:
    with receiving() as receiver:
        receiver.statuses = [status]
        async with HttpClient() as http:
            to = SpanReceiver(receiver.url, (), 10.0, None)
            with pytest.raises(OutgoingError, match=f"the response's status is {status}"):
                await send_spans(http, to, b"")
            assert await send_spans(http, to, b"")


@pytest.mark.parametrize("status", [400, 401, 404, 413, 500])
async def test_what_a_receiver_refuses_is_not_sent_again(status: int) -> None:
    with receiving() as receiver:
        receiver.statuses = [status]
        async with HttpClient() as http:
            to = SpanReceiver(receiver.url, (), 10.0, None)
            assert not await send_spans(http, to, b"")


def test_headers_stay_out_of_what_is_shown() -> None:
    to = SpanReceiver("http://127.0.0.1:9", (("api-key", "planted-secret"),), 1.0, None)
    assert "planted-secret" not in repr(to)
