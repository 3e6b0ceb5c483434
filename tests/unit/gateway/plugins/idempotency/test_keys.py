# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import RequestRejected
from gateway.plugins.idempotency.keys import mark, read_key, store_key
from tests.support.requests import request_of

NAME = "Idempotency-Key"
VISIBLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=40)


@settings(max_examples=50)
@given(VISIBLE)
def test_a_quoted_key_is_what_stands_between_the_quotes(text: str) -> None:
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert read_key([quoted.encode()], NAME, 255) == text.encode()


@settings(max_examples=50)
@given(st.binary(max_size=40))
def test_any_bytes_are_a_key_or_a_400(value: bytes) -> None:
    try:
        key = read_key([value], NAME, 20)
    except RequestRejected as error:
        assert error.status == 400
        assert NAME in error.message
    else:
        assert 1 <= len(key) <= 20
        assert all(0x20 <= byte < 0x7F for byte in key)


def test_quoted_and_bare_are_the_same_key() -> None:
    bare = read_key([b"8e03978e-40d5-43dd-bc93-6894a57f9324"], NAME, 255)
    assert bare == read_key([b'"8e03978e-40d5-43dd-bc93-6894a57f9324"'], NAME, 255)


@pytest.mark.parametrize(
    "values",
    [
        [b""],
        [b'""'],
        [b"  "],
        [b"a b"],
        [b"a,b"],
        [b'"a";v=1'],
        [b'"open'],
        [b'"a\\n"'],
        [b"k\xc3\xa9y"],
        [b"a\tb"],
        [b"x" * 256],
        [b"one", b"two"],
        [b"one", b"one"],
    ],
)
def test_malformed_missing_long_and_repeated_keys_are_refused(values: list[bytes]) -> None:
    with pytest.raises(RequestRejected) as caught:
        read_key(values, NAME, 255)
    assert caught.value.status == 400


def test_a_key_is_its_callers_own() -> None:
    def kept_under(consumer: object = None, credential: object = None, key: bytes = b"k") -> str:
        request = request_of()
        request.consumer, request.credential = consumer, credential
        return store_key(request, key)

    keys = [
        kept_under(),
        kept_under(key=b"l"),
        kept_under({"id": "1"}),
        kept_under({"id": "2"}),
        kept_under({"id": "2"}, {"id": "1"}),
        kept_under(None, {"id": "1"}),
        kept_under(None, {"id": "2"}),
    ]
    assert len(set(keys)) == len(keys) - 1, "a consumer's credentials share its keys"
    assert keys[3] == keys[4]


def test_method_target_type_and_body_make_a_request_the_same() -> None:
    def marked(
        method: bytes = b"POST", target: bytes = b"/a", body: bytes = b"", kind: bytes = b""
    ) -> bytes:
        request = request_of(target, method=method, headers=[(b"content-type", kind)])
        request.body = body
        return mark(request)

    different = [
        marked(),
        marked(method=b"PUT"),
        marked(target=b"/b"),
        marked(target=b"/a?x"),
        marked(body=b"x"),
        marked(kind=b"x"),
    ]
    assert len(set(different)) == len(different)
    assert marked() == marked()


@pytest.mark.parametrize(
    ("route", "same"),
    [
        ({}, True),
        ({"hosts": None, "preserve_host": False}, True),
        ({"hosts": ["a.test", "b.test"]}, False),
        ({"preserve_host": True}, False),
    ],
)
def test_the_host_counts_where_it_decides_what_is_asked_for(
    route: dict[str, Any], same: bool
) -> None:
    marks = []
    for host in (b"a.test", b"b.test"):
        request = request_of()
        request.host, request.match = host, SimpleNamespace(route=route)
        marks.append(mark(request))
    assert (marks[0] == marks[1]) is same
