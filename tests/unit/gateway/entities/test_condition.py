# SPDX-License-Identifier: Apache-2.0
"""What conditions say of values, and which texts are none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.entities.condition import FIELDS, LONGEST, compile_condition, condition_problem
from gateway.errors import ConditionFailed


def holds(text: str, **values: Any) -> bool:
    """Evaluate a condition; ``a__b`` stands for ``a.b``."""
    return compile_condition(text).holds(
        {name.replace("__", "."): value for name, value in values.items()}
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('http.headers.x_block == "true"', True),
        ('http.headers.x_block != "true"', False),
        ('http.headers["x_block"] == "true"', True),
        ("http.headers.absent == null", True),
        ('http.headers.absent == "true"', False),
        ("has(http.headers.absent)", False),
        ("has( http.headers.x_block ) && true", True),
        ("!has(http.queries.absent)", True),
        ('http.method == "GET" && http.path.startsWith("/a")', True),
        ('http.method in ["POST", "PUT"]', False),
        ('http.path.matches("^/a/[0-9]+$")', True),
        ('http.path_segments[1] == "5" && size(http.path_segments) == 2', True),
        ('http.path_segments.exists(part, part == "a")', True),
        ("net.src.port > 1000 && net.dst.port == 8000", True),
        ('consumer.username == "bob" || consumer.id == null', True),
        ("has(consumer.username)", False),
        ('route.name != "health"', True),
        ('kong.ctx.shared.flag == "on"', True),
        ('default(kong.ctx.shared.absent == "on", false)', False),
        ('default(kong.ctx.shared.absent == "on", true)', True),
        ('default(http.method == "GET", false)', True),
        ('"http.headers.absent" == "x"', False),
        ('"a" in http.headers', False),
        ('"x_block" in http.headers', True),
        ("kong.ctx.shared.yes", True),
    ],
)
def test_a_condition_says_what_cel_says(text: str, expected: bool) -> None:
    compiled = compile_condition(text)
    headers = {"x_block": "true"}
    wanted = compiled.members.get("http.headers")
    if wanted is not None:
        headers = {name: headers.get(name) for name in wanted}  # type: ignore[misc]  # null where it is absent
    values = {
        "http.headers": headers,
        "http.queries": dict.fromkeys(compiled.members.get("http.queries") or ()),
        "http.method": "GET",
        "http.path": "/a/5",
        "http.path_segments": ["a", "5"],
        "net.src.port": 5000,
        "net.dst.port": 8000,
        "consumer.username": None,
        "consumer.id": None,
        "route.name": "orders",
        "kong.ctx.shared": {"flag": "on", "yes": True},
    }
    assert compiled.holds({name: values[name] for name in compiled.fields}) is expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1, column 1"),
        ("http.method ==", "line 1, column 15"),
        (
            "true &&\n  http.meth",
            "line 2, column 7: undeclared reference to 'http.meth'; fields",
        ),
        ('default(http.meth == "a", false)', "line 1, column 13"),
        ("nosuch(1)", "undeclared reference to 'nosuch'"),
        ("principal.id == 'a'", "undeclared reference to 'principal"),
        ("http.method", "it is of type string; write what is true or false"),
        ("http.method == 1", "no matching overload"),
        ('true && default(http.method == "a", false)', "default() is for the whole condition"),
        ('default(true, false) && default(true, "x")', "default() is for the whole condition"),
        ('http.path.matches("(")', "line 1: invalid regular expression: missing )"),
        ('http.path ^= "/api"', "line 1, column"),
        ("true" + " " * LONGEST, "it has 1028 characters; write 1024 at most"),
    ],
)
def test_what_is_no_condition_is_refused_with_its_place(text: str, problem: str) -> None:
    found = condition_problem(text)
    assert found is not None
    assert problem in found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('kong.ctx.shared.absent == "on"', "absent"),
        ("kong.ctx.shared.word", "neither true nor false"),
        ("kong.ctx.shared.number == 1", "neither true nor false"),
    ],
)
def test_what_says_nothing_fails(text: str, problem: str) -> None:
    number = 10**30 if "number" in text else 1
    with pytest.raises(ConditionFailed, match=problem):
        holds(text, kong__ctx__shared={"word": "yes", "number": number})


def test_an_evaluation_ends() -> None:
    numbers = "[" + ",".join("1" * 60) + "]"
    text = f"{numbers}.all(a,{numbers}.all(b,{numbers}.all(c,a+b+c>0)))"
    with pytest.raises(ConditionFailed, match="budget"):
        holds(text)
    assert holds(f"default({text}, false)") is False


def test_of_maps_only_the_members_that_are_asked_for_are_wanted() -> None:
    compiled = compile_condition('http.headers.a == "1" && http.headers["b-c"] == null')
    assert compiled.fields == ("http.headers",)
    assert compiled.members == {"http.headers": ("a", "b-c")}
    whole = compile_condition('http.headers.a == "1" || http.queries.exists(name, name == "a")')
    assert whole.members == {"http.headers": ("a",), "http.queries": None}


@given(st.text(max_size=60) | st.from_regex(r"(http|has|default|\(|\)|\.|,|\"|'|==|[a-z]){0,12}"))
def test_any_text_is_compiled_or_refused(text: str) -> None:
    try:
        compiled = compile_condition(text)
    except ValueError:
        return
    assert set(compiled.fields) <= set(FIELDS)
