# SPDX-License-Identifier: Apache-2.0
"""Where tokens and credentials stand, and that nothing else is taken for one."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.plugins.openid_connect.places import ClientCredentials, TokenPlaces, read_form
from gateway.plugins.openid_connect.schema import Config
from tests.support.requests import request_of

FORM = b"application/x-www-form-urlencoded"


def places(**config: Any) -> TokenPlaces:
    return TokenPlaces(Config.model_validate({"issuer": "https://login.test", **config}))


@pytest.mark.parametrize(
    ("value", "token"),
    [
        (b"Bearer abc", b"abc"),
        (b"BEARER  abc ", b"abc"),
        (b"Bearer", None),
        (b"Bearer a b", b""),
        (b"bearer \xe9 ", b""),
        (b"Basic abc", None),
        (b"DPoP abc", None),
        (b"abc", None),
    ],
)
def test_the_header_holds_the_token_behind_its_scheme(value: bytes, token: bytes | None) -> None:
    assert places().bearer(request_of(headers=[(b"authorization", value)])) == token


def test_the_first_place_that_has_a_token_decides() -> None:
    head = [(b"x-access-token", b"c"), (b"access-token", b"b"), (b"authorization", b"Basic x")]
    request = request_of(b"/?access_token=d", headers=list(head))
    assert places().bearer(request) == b"b"
    request = request_of(b"/?x=1&access_token=d&access_token=e")
    assert places().bearer(request) == b"d"


@pytest.mark.parametrize("sign", [b"\r\n", b"\n", b"\0", b" ", b"\t", b"\x7f", b"\xff"])
def test_what_is_no_visible_ascii_is_no_token(sign: bytes) -> None:
    given = places(bearer_token_param_type=["header", "query", "body", "cookie"])
    escaped = b"".join(b"%%%02x" % byte for byte in sign)
    for around in (b"%b", b"a%b", b"%ba", b"a%ba"):
        shown, written = around % sign, around % escaped
        headers = [(b"x-access-token", shown), (b"cookie", b"token=" + shown)]
        request = request_of(b"/?access_token=" + written, headers=headers)
        # Blanks around the value of a header are not of it.
        assert given.bearer(request) in (b"", b"a")
        form = request_of(headers=[(b"content-type", b"application/x-www-form-urlencoded")])
        form.body = b"access_token=" + written
        assert given.bearer_in_form(form) == b""


def test_what_can_be_no_token_is_not_passed_over_for_another_place() -> None:
    given = places(bearer_token_param_type=["header", "query", "cookie", "body"])
    for head in ((b"authorization", b"Bearer a b"), (b"access-token", b"\xe9")):
        request = request_of(b"/?access_token=d", headers=[head, (b"x-access-token", b"c")])
        assert given.bearer(request) == b""
    request = request_of(b"/?access_token=%00&access_token=d", headers=[(b"cookie", b"token=c")])
    assert given.bearer(request) == b""
    form = request_of(headers=[(b"content-type", b"application/json")])
    for value in (b'"\\u0000"', b'["d"]'):
        form.body = b'{"access_token": %b, "access_token": "d"}' % value
        assert given.bearer_in_form(form) == b""


def test_what_has_a_control_character_is_no_client() -> None:
    for text in (b"id%00:x", b"id:x%0a", b"i\rd:x"):
        request = request_of(headers=[(b"authorization", basic(text))])
        assert places().credentials(request) is None
    request = request_of(b"/?client_id=a%0d&client_secret=b")
    assert places().credentials(request) is None


def basic(text: bytes) -> bytes:
    return b"Basic " + base64.b64encode(text)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (basic(b"id:secret"), ClientCredentials("id", "secret")),
        (basic(b"a%3Ab:c+d:e"), ClientCredentials("a:b", "c d:e")),
        (basic(b":secret"), None),
        (basic(b"id"), None),
        (basic(b"\xff:x"), None),
        (b"Basic !", None),
        (b"Bearer x", None),
    ],
)
def test_client_credentials_are_read_as_they_are_written(
    value: bytes, found: ClientCredentials | None
) -> None:
    assert places().credentials(request_of(headers=[(b"authorization", value)])) == found


def test_nobody_is_a_client_where_the_method_is_off() -> None:
    off = places(auth_methods=["bearer"])
    head = [(b"authorization", basic(b"id:secret"))]
    request = request_of(b"/?client_id=a&client_secret=b", headers=head)
    assert off.credentials(request) is None
    assert places(client_credentials_param_type=["query"]).credentials(request) == ("a", "b")
    # And what is another plugin's proof stays.
    off.hide(request)
    assert request.headers == head


async def stream(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize(
    ("head", "read"),
    [
        ([(b"content-type", FORM), (b"content-length", b"4")], True),
        ([(b"content-type", b"application/json; charset=x"), (b"content-length", b"4")], True),
        ([(b"content-type", FORM), (b"content-length", b"70000")], False),
        ([(b"content-type", FORM)], False),
        ([(b"content-type", b"text/plain"), (b"content-length", b"4")], False),
        ([(b"content-length", b"4")], False),
    ],
)
async def test_only_small_forms_are_read(head: list[tuple[bytes, bytes]], read: bool) -> None:
    request = request_of(headers=list(head))
    body = stream(b"ab", b"cd")
    request.stream = body
    await read_form(request)
    assert (request.body, request.stream) == ((b"abcd", None) if read else (b"", body))


@settings(max_examples=50)
@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=60))
def test_nothing_that_is_sent_raises(value: bytes, query: bytes, body: bytes) -> None:
    found = places(
        bearer_token_param_type=["header", "query", "body", "cookie"], bearer_token_cookie_name="c"
    )
    for kind in (FORM, b"application/json"):
        head = [(b"authorization", value), (b"cookie", value), (b"content-type", kind)]
        request = request_of(b"/?" + query.replace(b" ", b"+"), headers=head)
        request.body = body
        found.bearer(request)
        found.bearer_in_form(request)
        found.credentials(request)
        found.credentials_in_form(request)
        found.hide(request)
        assert found.bearer(request) is None


def test_the_secret_in_a_form_is_hidden_with_the_token() -> None:
    places = TokenPlaces(Config.model_validate({"issuer": "https://op.test"}))
    request = request_of(
        method=b"POST",
        headers=[
            (b"content-type", b"application/x-www-form-urlencoded"),
            (b"transfer-encoding", b"chunked"),
        ],
    )
    request.body = b"client_id=app&client_secret=s&access_token=t&x=1"
    places.hide(request)
    assert request.body == b"client_id=app&x=1"
    # A record must not show two lengths.
    assert request.headers[1:] == [(b"content-length", b"17")]
