# SPDX-License-Identifier: Apache-2.0
"""Bodies that say that they are too large, and those that turn out to be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import RequestRejected
from gateway.http.headers import Headers
from gateway.http.messages import Request, Response
from gateway.kafka.pool import ProducerPool
from gateway.plugins.base import PluginContext
from gateway.plugins.request_size_limiting.handler import CountedBody, RequestSizeLimiting
from gateway.plugins.request_size_limiting.schema import Config
from tests.support.policies import policy_gateway
from tests.support.requests import request_of

MIB = 1 << 20


def outcome(request: Request, **config: Any) -> tuple[int, str]:
    pool: ProducerPool = None  # type: ignore[assignment]  # no plugin here writes records
    given = Config.model_validate({"allowed_payload_size": 1, **config})
    response = RequestSizeLimiting(given, PluginContext(pool, lambda _: None)).access(request)
    if response is None:
        return 200, ""
    assert isinstance(response, Response)
    assert isinstance(response.body, bytes)
    return response.status, orjson.loads(response.body)["message"]


def asked(length: object = None, *more: tuple[bytes, bytes]) -> Request:
    headers: Headers = [] if length is None else [(b"content-length", str(length).encode())]
    return request_of(method=b"POST", headers=headers + list(more))


@pytest.mark.parametrize(
    ("length", "config", "status"),
    [
        (MIB + 1, {}, 413),
        (MIB, {}, 200),
        (1025, {"size_unit": "kilobytes"}, 413),
        (1024, {"size_unit": "kilobytes"}, 200),
        (2, {"size_unit": "bytes"}, 413),
        (0, {"size_unit": "bytes"}, 200),
        ("9" * 5000, {}, 413),
    ],
)
def test_a_length_that_is_told_is_compared(
    length: object, config: dict[str, Any], status: int
) -> None:
    expected = "" if status == 200 else "Request size limit exceeded"
    assert outcome(asked(length), **config) == (status, expected)


def test_a_client_that_asks_first_gets_a_417() -> None:
    request = asked(MIB + 1, (b"expect", b"100-continue"))
    assert outcome(request) == (417, "Request size limit exceeded")


def test_a_length_may_be_required_but_of_chunks() -> None:
    text = "A valid Content-Length header is required"
    assert outcome(asked(), require_content_length=True) == (411, text)
    chunked = asked(None, (b"transfer-encoding", b"chunked"))
    assert outcome(chunked, require_content_length=True)[0] == 200
    assert outcome(asked())[0] == 200


def test_a_request_without_a_body_needs_no_length_unless_one_is_required() -> None:
    assert outcome(request_of())[0] == 200
    assert outcome(request_of(), require_content_length=True)[0] == 411


def test_a_chunked_body_that_is_kept_is_measured() -> None:
    for size, status in ((MIB, 200), (MIB + 1, 413)):
        request = asked(None, (b"transfer-encoding", b"chunked"))
        request.body = bytes(size)
        assert outcome(request)[0] == status


async def pieces(sizes: list[int]) -> AsyncIterator[bytes]:
    for size in sizes:
        yield bytes(size)


class Pieces:
    def __init__(self, sizes: list[int]) -> None:
        self.sizes = sizes

    def __aiter__(self) -> AsyncIterator[bytes]:
        return pieces(self.sizes)


async def test_a_streamed_body_breaks_off_where_it_is_too_large() -> None:
    request = asked(None, (b"transfer-encoding", b"chunked"))
    request.stream = Pieces([600, 424, 1, 9999])
    assert outcome(request, size_unit="kilobytes")[0] == 200
    received = 0
    with pytest.raises(RequestRejected) as caught:
        async for piece in request.stream:
            received += len(piece)
    assert (received, caught.value.status) == (1024, 413)


@settings(max_examples=50)
@given(st.lists(st.integers(0, 50), max_size=8), st.integers(0, 200))
def test_what_passes_is_never_more_than_allowed(sizes: list[int], most: int) -> None:
    import asyncio

    async def passed() -> int:
        total = 0
        try:
            async for piece in CountedBody(Pieces(sizes), most):
                total += len(piece)
        except RequestRejected:
            assert sum(sizes) > most
        else:
            assert sum(sizes) <= most
        return total

    assert asyncio.run(passed()) <= most


@pytest.mark.parametrize(
    ("accept", "begins"),
    [
        (b"", b'{"message":"Request size limit exceeded"'),
        (b"Accept: text/plain\r\n", b"Request size"),
    ],
)
async def test_a_refusal_on_the_way_has_the_form_of_any_other(accept: bytes, begins: bytes) -> None:
    config = {"allowed_payload_size": 4, "size_unit": "bytes"}
    async with policy_gateway(("request-size-limiting", config)) as gateway:
        head = (
            b"POST / HTTP/1.1\r\nHost: a.test\r\n" + accept + b"Transfer-Encoding: chunked\r\n\r\n"
        )
        response = await gateway.running.once(head + b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n")
    assert (response.status, response.body[: len(begins)]) == (413, begins)
