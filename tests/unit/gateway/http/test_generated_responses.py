# SPDX-License-Identifier: Apache-2.0
"""Generated bodies: the type that was asked for, the message and nothing else."""

from __future__ import annotations

import pytest

from gateway.http.generated_responses import (
    HTML,
    JSON,
    TEXT,
    XML,
    error_response,
    fixed_response,
    message_of,
    refusal,
)
from tests.support.requests import request_of


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        (b"*/*", JSON),
        (b"application/json", JSON),
        (b"application/*", JSON),
        (b"image/png", JSON),
        (b"text/html", HTML),
        (b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTML),
        (b"text/*", TEXT),
        (b"text/plain; charset=latin1", TEXT),
        (b"application/xml", XML),
        (b"text/html;q=0.1, application/json;q=0.5", JSON),
        (b"text/html;q=0, text/plain;q=0.1", TEXT),
        (b"TEXT/HTML", HTML),
    ],
)
def test_the_type_follows_accept(accept: bytes | None, expected: bytes) -> None:
    request = request_of(headers=[(b"accept", accept)] if accept else [])
    for made in (error_response(404, "m", request), fixed_response(404, "m", request)):
        assert made.headers == [(b"Content-Type", expected)]


def test_each_type_has_its_body() -> None:
    def body(accept: bytes) -> bytes:
        made = error_response(400, "a < b", request_of(headers=[(b"accept", accept)])).body
        assert isinstance(made, bytes)
        return made

    assert body(b"application/json") == b'{"message":"a < b"}'
    assert body(b"text/plain") == b"a < b\n"
    assert b"<p>a &lt; b.</p>" in body(b"text/html")
    assert b"<message>a &lt; b</message>" in body(b"application/xml")


def test_grpc_gets_its_status_in_headers() -> None:
    made = error_response(404, "m", request_of(headers=[(b"accept", b"application/grpc")]))
    assert made.body == b""
    assert (b"grpc-status", b"5") in made.headers


def test_a_refusal_falls_back_to_the_content_type_then_the_setting() -> None:
    assert refusal(400, request_of()).headers == [(b"Content-Type", TEXT)]
    assert refusal(400, request_of(), HTML).headers == [(b"Content-Type", HTML)]
    typed = request_of(headers=[(b"content-type", b"application/json")])
    assert refusal(400, typed).body == b'{"message":"Bad request"}'


def test_any_status_has_a_message() -> None:
    assert message_of(502) == "An invalid response was received from the upstream server"
    assert message_of(507) == "The upstream server responded with 507"


def test_a_fixed_response_is_made_once_and_its_copy_may_be_changed() -> None:
    one, two = fixed_response(404, "m", request_of()), fixed_response(404, "m", request_of())
    assert one is two
    copy = one.copy()
    copy.headers.append((b"X", b"y"))
    assert len(one.headers) == 1
