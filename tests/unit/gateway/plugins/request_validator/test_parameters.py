# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.http.messages import Request
from gateway.plugins.request_validator.parameters import ParameterReader
from gateway.plugins.request_validator.schema import Parameter
from tests.support.requests import request_of

LIST = {"type": "array", "items": {"type": "integer"}}
OBJECT = {"type": "object", "properties": {"r": {"type": "string"}, "n": {"type": "integer"}}}
NUMBER = {"type": "number"}
VALUE = {"r": "a", "n": 1}


class Captured:
    """A match with one group."""

    def __init__(self, value: bytes) -> None:
        self.captures = {"p": value}


def reader(place: str, style: str, explode: bool, schema: dict[str, Any]) -> ParameterReader:
    fields = {"in": place, "name": "p", "required": True, "style": style, "explode": explode}
    fields["schema"] = orjson.dumps(schema).decode()
    return ParameterReader(Parameter.model_validate(fields))


def asked(place: str, text: str) -> Request:
    if place == "query":
        return request_of(f"/?{text}".encode())
    if place == "header":
        return request_of(headers=[(b"p", text.encode())])
    request = request_of()
    request.match = Captured(text.encode())  # type: ignore[assignment]  # all that is looked at
    return request


@pytest.mark.parametrize(
    ("place", "style", "explode", "schema", "text", "value"),
    [
        ("path", "simple", False, NUMBER, "5", 5),
        ("path", "simple", False, NUMBER, "abc", "abc"),
        ("path", "simple", False, LIST, "3,4", [3, 4]),
        ("path", "simple", False, OBJECT, "r,a,n,1", VALUE),
        ("path", "simple", True, OBJECT, "r=a,n=1", VALUE),
        ("path", "label", False, NUMBER, ".5", 5),
        ("path", "label", False, LIST, ".3,4", [3, 4]),
        ("path", "label", False, LIST, ".3.4", [3, 4]),
        ("path", "label", True, LIST, ".3.4", [3, 4]),
        ("path", "label", False, OBJECT, ".r,a,n,1", VALUE),
        ("path", "label", True, OBJECT, ".r=a.n=1", VALUE),
        ("path", "matrix", False, NUMBER, ";p=5", 5),
        ("path", "matrix", False, LIST, ";p=3,4", [3, 4]),
        ("path", "matrix", True, LIST, ";p=3;p=4", [3, 4]),
        ("path", "matrix", False, OBJECT, ";p=r,a,n,1", VALUE),
        ("path", "matrix", True, OBJECT, ";r=a;n=1", VALUE),
        ("header", "simple", False, LIST, "3, 4", [3, 4]),
        ("header", "simple", True, OBJECT, "r=a, n=1", VALUE),
        ("query", "form", True, NUMBER, "p=1.5", 1.5),
        ("query", "form", True, {"type": "boolean"}, "p=true", True),
        ("query", "form", True, {"type": "string"}, "p=a%20b+c", "a b c"),
        ("query", "form", True, LIST, "p=3&x=1&p=4", [3, 4]),
        ("query", "form", False, LIST, "p=3,4", [3, 4]),
        ("query", "spaceDelimited", False, LIST, "p=3%204", [3, 4]),
        ("query", "pipeDelimited", False, LIST, "p=3|4", [3, 4]),
        ("query", "pipeDelimited", False, LIST, "p=3%7C4", [3, 4]),
        ("query", "form", True, OBJECT, "r=a&n=1", VALUE),
        ("query", "form", False, OBJECT, "p=r,a,n,1", VALUE),
        ("query", "deepObject", True, OBJECT, "p[r]=a&p[n]=1", VALUE),
    ],
)
def test_styles(
    place: str, style: str, explode: bool, schema: dict[str, Any], text: str, value: Any
) -> None:
    assert reader(place, style, explode, schema).read(asked(place, text)) == (True, value)


@pytest.mark.parametrize(
    ("place", "style", "schema", "text"),
    [
        ("query", "form", LIST, "x=1"),
        ("query", "deepObject", OBJECT, "p=1"),
        ("query", "form", OBJECT, "x=1"),
        ("path", "matrix", NUMBER, ";x=1"),
    ],
)
def test_what_is_not_there(place: str, style: str, schema: dict[str, Any], text: str) -> None:
    assert reader(place, style, True, schema).read(asked(place, text)) == (False, None)


@pytest.mark.parametrize(
    ("place", "style", "explode", "schema", "text"),
    [
        ("path", "label", False, NUMBER, "5"),
        ("path", "matrix", False, NUMBER, "5"),
        ("path", "simple", False, OBJECT, "r,a,n"),
        ("header", "simple", True, OBJECT, "r"),
        ("query", "form", True, NUMBER, "p=1&p=2"),
        ("query", "form", True, NUMBER, "p&" * 2000),
    ],
)
def test_what_is_written_in_another_style_is_refused(
    place: str, style: str, explode: bool, schema: dict[str, Any], text: str
) -> None:
    with pytest.raises(ValueError, match=r"."):
        reader(place, style, explode, schema).read(asked(place, text))


@settings(max_examples=50)
@given(st.binary(max_size=40), st.sampled_from([NUMBER, LIST, OBJECT]), st.booleans())
def test_no_query_does_anything_else(query: bytes, schema: dict[str, Any], explode: bool) -> None:
    request = request_of(b"/?" + query)
    try:
        reader("query", "form", explode, schema).read(request)
    except ValueError:
        return
