# SPDX-License-Identifier: Apache-2.0
"""Requests, and responses that come later."""

from __future__ import annotations

import asyncio

import pytest

from gateway.http.messages import FixedResponse, Pending, Response
from tests.support.requests import request_of


def test_what_a_plugin_puts_takes_the_place_of_the_clients() -> None:
    request = request_of(headers=[(b"x_tenant-id", b"eve's"), (b"x-tenant", b"kept")])
    request.put_headers([(b"x-tenant-id", b"ours")])
    assert request.headers == [(b"x-tenant", b"kept"), (b"x-tenant-id", b"ours")]
    assert request.own_headers == {b"x-tenant-id"}


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/a", b"/a", None),
        (b"/a?", b"/a", b""),
        (b"/a?b=1?c", b"/a", b"b=1?c"),
        (b"?", b"?", None),
    ],
)
def test_a_target_is_cut_at_its_first_question_mark(
    target: bytes, path: bytes, query: bytes | None
) -> None:
    request = request_of(target)
    assert (request.path, request.query) == (path, query)


def test_a_request_has_one_id() -> None:
    request, other = request_of(), request_of()
    assert request.id == request.id != other.id


def test_the_client_is_the_peer_unless_a_trusted_one_says_otherwise() -> None:
    request = request_of()
    assert request.client_ip == request.connection.peer[0]
    assert (request.forwarded_proto, request.forwarded_port) == ("http", 8000)
    request.client_ip, request.forwarded_proto, request.forwarded_port = "192.0.2.1", "https", 443
    assert request.client_ip == "192.0.2.1"
    assert (request.forwarded_proto, request.forwarded_port) == ("https", 443)


def test_a_copy_of_a_fixed_response_may_be_changed() -> None:
    fixed = FixedResponse(200, [(b"A", b"b")], b"body")
    copy = fixed.copy()
    copy.headers.append((b"C", b"d"))
    copy.status = 500
    assert (fixed.status, fixed.headers, copy.body) == (200, [(b"A", b"b")], b"body")


def test_a_pending_response_is_resolved_once() -> None:
    pending, seen = Pending(), list[int]()
    pending.then(lambda response: seen.append(response.status))
    pending.resolve(Response(200, ()))
    pending.resolve(Response(500, ()))
    pending.then(lambda response: seen.append(response.status))
    assert seen == [200, 200]


async def test_cancelling_a_wait_abandons_the_response() -> None:
    pending = Pending()
    abandoned: list[bool] = []
    pending.on_abandon = lambda: abandoned.append(True)

    async def wait() -> Response:
        return await pending

    waiting = asyncio.ensure_future(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (abandoned, pending.abandoned) == ([True], True)
