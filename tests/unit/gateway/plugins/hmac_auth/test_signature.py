# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.plugins.hmac_auth.signature import Signature, fits, read, signed_text, time_of
from tests.support.requests import request_of

WHOLE = (
    b'hmac username="bob", algorithm="hmac-sha256", headers="date request-line", signature="eA=="'
)


def test_the_header_holds_four_parts() -> None:
    expected = Signature(b"bob", b"hmac-sha256", [b"date", b"request-line"], b"eA==")
    assert read(WHOLE) == expected
    assert read(WHOLE.replace(b"hmac user", b"Hmac  user").replace(b", ", b",")) == expected
    quoted = read(WHOLE.replace(b'"bob"', b'"b"o"b"'))
    assert quoted is not None
    assert quoted.username == b'b"o"b'


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"Basic Ym9iOmtvbmc=",
        WHOLE.replace(b"hmac ", b"HMAC "),
        WHOLE.replace(b'username="bob", ', b""),
        WHOLE.replace(b'username="bob"', b'username=""'),
        b'hmac algorithm="hmac-sha256", username="bob", headers="date", signature="eA=="',
        WHOLE + b', more="x"',
        b"x " + WHOLE,
        WHOLE + b" " * 9000,
        WHOLE.replace(b"date", b"x " * 300 + b"date"),
    ],
)
def test_another_form_is_none(value: bytes | None) -> None:
    assert read(value) is None


def test_each_name_is_a_line_as_the_client_writes_it() -> None:
    headers = [(b"date", b"D"), (b"x-a", b"1"), (b"x-a", b"2")]
    request = request_of(b"/a%2Fb?x=1", method=b"POST", headers=headers)
    names = [b"Date", b"x-a", b"none", b"request-line", b"@request-target", b"x-a"]
    text = signed_text(request, names)
    assert text is not None
    assert text.split(b"\n") == [
        b"Date: D",
        b"x-a: 1",
        b"none:",
        b"POST /a%2Fb?x=1 HTTP/1.1",
        b"@request-target: post /a%2Fb?x=1",
        b"x-a: 1",
    ]
    request.headers.append((b"request-line", b"mine"))
    assert signed_text(request, [b"request-line"]) == b"request-line: mine"


def test_nobody_has_megabytes_hashed_by_naming_a_long_header_often() -> None:
    request = request_of(headers=[(b"x-a", b"v" * 8000)])
    assert signed_text(request, [b"x-a"] * 10) == b"\n".join([b"x-a: " + b"v" * 8000] * 10)
    assert signed_text(request, [b"x-a"] * 100) is None
    assert not fits(Signature(b"bob", b"hmac-sha256", [b"x-a"] * 100, b"eA=="), "s", request)


@pytest.mark.parametrize(
    "text",
    [
        b"Tue, 01 Jan 2030 00:00:00 GMT",
        b"Tuesday, 01-Jan-30 00:00:00 GMT",
        b"Tue Jan  1 00:00:00 2030",
    ],
)
def test_dates_of_http_are_read(text: bytes) -> None:
    assert time_of(text) == 1893456000


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"1893456000",
        b"2030-01-01T00:00:00Z",
        b"Tue, 01 Jan 2030 00:00:00 +0000",
        b"Tue, 32 Jan 2030 00:00:00 GMT",
        b"Tue, 01 Foo 2030 00:00:00 GMT",
        b"Tue, 01 Jan 2030 25:00:00 GMT",
        b"Tue, 01 Jan 0000 00:00:00 GMT",
        b"Tue Jan    00:00:00 2030",
    ],
)
def test_other_dates_are_none(text: bytes) -> None:
    assert time_of(text) is None


@settings(max_examples=50)
@given(st.binary(max_size=60), st.binary(max_size=40))
def test_no_header_raises_and_no_signature_fits(value: bytes, signature: bytes) -> None:
    read(value)
    read(WHOLE.replace(b"bob", value))
    time_of(value)
    shown = Signature(b"bob", b"hmac-sha256", [value], signature)
    assert not fits(shown, "secret", request_of())
