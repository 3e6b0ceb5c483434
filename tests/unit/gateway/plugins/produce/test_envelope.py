# SPDX-License-Identifier: Apache-2.0
"""Envelopes without a broker: headers, odd bodies, what is dropped."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import RequestRejected
from gateway.plugins.produce.envelope import EnvelopeBuilder, header_table
from tests.support.producing import request

BODY_ONLY = EnvelopeBuilder(method=False, headers=False, uri=False, body=True)
EVERYTHING = EnvelopeBuilder(method=True, headers=True, uri=True, body=True)


def body(content_type: str | None, content: bytes) -> Any:
    asked = request("/kafka", "POST", content_type=content_type)
    return orjson.loads(BODY_ONLY.encode(asked, content))


def test_a_form_has_its_pairs_as_arguments() -> None:
    found = body("application/x-www-form-urlencoded; charset=utf-8", b"a=1&b&a=2")
    assert found == {"body": "a=1&b&a=2", "body_args": {"a": ["1", "2"], "b": True}}


def test_a_slash_is_not_escaped() -> None:
    asked = request("/kafka", "POST", content_type="text/plain")
    assert BODY_ONLY.encode(asked, b"a/b") == b'{"body":"a/b","body_args":{}}'


def test_text_that_is_no_utf8_is_kept_in_base64() -> None:
    assert body("text/plain", b"\xff") == {"body": "/w==", "body_args": {}, "body_base64": True}


def test_vendor_json_is_no_json() -> None:
    assert body("application/vnd.api+json", b"{}")["body_base64"] is True


@pytest.mark.parametrize("scalar", [b'"x"', b"1", b"null", b"\xff", b"[NaN]"])
def test_what_is_no_object_or_array_is_refused(scalar: bytes) -> None:
    with pytest.raises(RequestRejected) as caught:
        body("application/json", scalar)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("multipart/form-data", b"--B\r\n\r\n--B--"),
        ("multipart/form-data; boundary=B", b"no parts"),
        ("multipart/form-data; boundary=B", b'--B\r\nX: name="a"\r\n\r\nx\r\n--B--'),
        (
            "multipart/form-data; boundary=B",
            b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n',
        ),
    ],
)
def test_a_broken_multipart_body_is_refused(content_type: str, content: bytes) -> None:
    with pytest.raises(RequestRejected):
        body(content_type, content)


def test_header_values_may_be_any_bytes() -> None:
    assert header_table([(b"a", "é".encode()), (b"b", b"\xe9")]) == {"a": "é", "b": "é"}


def test_headers_after_a_hundred_are_dropped() -> None:
    assert len(header_table([(b"h%d" % number, b"") for number in range(120)])) == 100


def test_three_of_a_name_stay_in_order() -> None:
    assert header_table([(b"a", b"1"), (b"a", b"2"), (b"a", b"3")]) == {"a": ["1", "2", "3"]}


@settings(max_examples=50)
@given(st.binary(max_size=200), st.sampled_from([None, "text/plain", "application/octet-stream"]))
def test_any_bytes_become_json(content: bytes, content_type: str | None) -> None:
    asked = request("/kafka?a=%ff", "POST", content_type=content_type)
    found = orjson.loads(EVERYTHING.encode(asked, content))
    assert set(found) >= {"method", "headers", "uri", "uri_args", "body", "body_args"}


@settings(max_examples=50)
@given(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=20))
def test_json_arrays_come_through_as_they_were(value: Any) -> None:
    import json

    content = json.dumps([value]).encode()
    found = json.loads(BODY_ONLY.encode(request(content_type="application/json"), content))
    assert found == {"body": content.decode(), "body_args": [value]}


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        (b'name="a"', "a"),
        (b"name=a", "a"),
        (b'filename="n;name=x"; NAME="b"', "b"),
        (rb'name="a\"b\\c"', 'a"b\\c'),
        ('name="é"'.encode(), "é"),
        (b'x=1 ; name = "c d"', "c d"),
        (b'name=""', ""),
    ],
)
def test_the_name_of_a_part_is_read_as_written(parameters: bytes, name: str) -> None:
    head = b"--B\r\nContent-Disposition: form-data; " + parameters
    found = body("multipart/form-data; boundary=B", head + b"\r\n\r\nx\r\n--B--")
    assert found["body_args"] == {name: "x"}


def test_a_boundary_may_be_quoted() -> None:
    part = b'--a b\r\nContent-Disposition: form-data; name="n"\r\n\r\nx\r\n--a b--'
    assert body('multipart/form-data; boundary="a b"', part)["body_args"] == {"n": "x"}


def test_parts_are_bounded_in_number_and_head() -> None:
    part = b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n'
    assert body("multipart/form-data; boundary=B", part * 999 + b"--B--")["body_args"] == {"a": "x"}
    with pytest.raises(RequestRejected) as caught:
        body("multipart/form-data; boundary=B", part * 1001 + b"--B--")
    assert caught.value.status == 413
    long = part.replace(b"name", b"x=" + b"y" * 5000 + b"; name")
    with pytest.raises(RequestRejected, match="a part's head has over 4096 bytes"):
        body("multipart/form-data; boundary=B", long + b"--B--")


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=20), st.booleans())
def test_the_size_of_an_elements_envelope_is_known_before_it_is_made(
    value: Any, everything: bool
) -> None:
    flags = {"method": everything, "headers": everything, "uri": everything}
    builder = EnvelopeBuilder(body=True, elements=True, **flags)
    asked = request("/kafka?a=1", "POST", [("X-A", "1")])
    import json

    for text in (json.dumps(value).encode(), json.dumps(value, indent="\t").encode()):
        texts = builder.of(asked)
        made = texts.encode(text)
        assert (len(made), made) == (texts.size(text), builder.encode(asked, text))


def test_a_target_that_is_no_utf8_is_shown_percent_encoded() -> None:
    builder = EnvelopeBuilder(method=False, headers=False, uri=True, body=False)
    asked = request("/kafka")
    asked.target = b"/k\xff?a=\xc3"
    assert builder.build(asked, b"")["uri"] == "/k%FF?a=%C3"
