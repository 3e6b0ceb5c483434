# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import RequestRejected
from gateway.http.messages import Request
from gateway.plugins.transformations.templates import Rendering, Templates, check_template
from tests.support.requests import request_of


class Captured:
    """A match with what a regex found."""

    captures = {"1": b"one", "name": b"one", "2": None}
    path = b"/one"


def asked() -> Request:
    request = request_of(
        b"/one?q=1&flag&many=a&many=b", headers=[(b"x-a", b"v"), (b"x-m", b"1"), (b"x-m", b"2")]
    )
    request.match = Captured()  # type: ignore[assignment]  # all that templates look at
    request.context = {"lua_shared": {"my": {"version": "2.0"}}}
    return request


def rendered(text: str, request: Request | None = None) -> bytes:
    templates = Templates(allowed=True)
    value = templates.value(text)
    return value(Rendering(templates, request or asked()))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", b"plain"),
        ("#hash", b"#hash"),
        ("# for _ in x do", b"# for _ in x do"),
        ("$(headers['x-a'])", b"v"),
        ("$(headers['X-A'])", b"v"),
        ("$(headers.x_a)", b"v"),
        ("Basic $(query_params.q):$(query_params['q'])!", b"Basic 1:1!"),
        ("$(headers.x or 'd')", b"d"),
        ("$(headers.x)", b""),
        ("$(query_params.flag)", b"true"),
        ("$(type(query_params.flag))", b"boolean"),
        ("$(uri_captures[1]) $(uri_captures.name) $(uri_captures['1'])", b"one one one"),
        ("$(uri_captures[2] or 'none')", b"none"),
        ("$(shared.my.version)", b"2.0"),
        ("$('$(x)')", b"$(x)"),
        ("$(headers['x-a']:upper())", b"V"),
        ("$((function() return 'f' end)())", b"f"),
        ("$(1 + 1)", b"2"),
        ("$(open", b"$(open"),
        ("100%$", b"100%$"),
        # What a client sends twice is text all the same.
        ("$(headers.x_m) $('<' .. query_params.many .. '>')", b"1, 2 <a, b>"),
    ],
)
def test_templates(text: str, value: bytes) -> None:
    assert check_template(text) == ""
    assert rendered(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "$(ERROR())",
        "$(nothing.there)",
        "$(os.time())",
        "$(kong.request.get_method())",
        "$((function() while true do end end)())",
        "$(('x'):rep(1e9))",
        "$((function() x = 1 end)())",
    ],
)
def test_a_template_that_fails_is_a_500(text: str) -> None:
    with pytest.raises(RequestRejected) as caught:
        rendered(text)
    assert caught.value.status == 500


def test_lua_that_is_switched_off_leaves_plain_text() -> None:
    templates = Templates(allowed=False)
    plain, lua = templates.value("plain"), templates.value("$(1)")
    rendering = Rendering(templates, asked())
    assert plain(rendering) == b"plain"
    with pytest.raises(RequestRejected):
        lua(rendering)


def test_what_is_no_lua_is_found_when_it_is_configured() -> None:
    assert check_template("a $(if) b").startswith("invalid template 'a $(if) b': ")


def test_templates_of_one_plugin_see_one_request_each() -> None:
    templates = Templates(allowed=True)
    value = templates.value("$(query_params.q or 'none')")
    first = Rendering(templates, request_of(b"/?q=1"))
    assert value(first) == b"1"
    assert value(Rendering(templates, request_of(b"/"))) == b"none"


@settings(max_examples=50)
@given(st.text(max_size=30).filter(lambda text: "$(" not in text))
def test_text_without_expressions_stays_as_it_is(text: str) -> None:
    assert rendered(text) == text.encode("utf-8", "surrogatepass")


@settings(max_examples=30)
@given(st.binary(max_size=30))
def test_whatever_a_client_sends_becomes_text(value: bytes) -> None:
    request = request_of(headers=[(b"x", value)])
    assert isinstance(rendered("<$(headers.x)>", request), bytes)
