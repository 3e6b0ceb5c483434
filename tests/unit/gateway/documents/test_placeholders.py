# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.documents.placeholders import document_path, fill_in, render_environment, set_aside
from gateway.errors import DocumentError


def test_a_whole_value_keeps_its_type() -> None:
    output = object()
    values = {"a": [1], "b": None, "c": output, "d": "text"}
    filled, partly = fill_in({name: f"${{{name}}}" for name in values}, values)
    assert filled == values
    assert filled["c"] is output
    assert partly == {**values, "c": "${c}"}


def test_inside_a_text_only_strings_fit() -> None:
    assert fill_in("x-${stack.name}-y", {"stack.name": "dev"})[0] == "x-dev-y"
    with pytest.raises(DocumentError, match="so it must be the whole value"):
        fill_in({"a": "x-${n}"}, {"n": 5})


def test_an_unknown_placeholder_names_path_nearest_and_allowed() -> None:
    document = {"services": {"a": {"host": "${stack.nam}"}}}
    with pytest.raises(DocumentError) as caught:
        fill_in(document, {"stack.name": "x"})
    (problem,) = caught.value.problems
    assert problem == (
        'services["a"].host: unknown placeholder ${stack.nam}; did you mean "stack.name"? '
        "allowed: ${stack.name}"
    )


def test_paths_in_documents_are_distinguished_from_fields() -> None:
    location = ("services", "a", "routes", "b", "headers", "x-y", 0)
    assert document_path(location) == 'services["a"].routes["b"].headers["x-y"][0]'


@pytest.mark.parametrize(
    ("text", "environment", "expected"),
    [
        ('host: ${{ env "DECK_HOST" }}', {"DECK_HOST": "a.test"}, "host: a.test"),
        ('# host: ${{ env "DECK_X" }}', {}, '# host: ${{ env "DECK_X" }}'),
        ('port: ${{ env "DECK_PORT" | toInt }}', {"DECK_PORT": "8080"}, "port: 8080"),
        (
            'cert: |\n  ${{ env "DECK_CERT" | indent 2 }}',
            {"DECK_CERT": 'a: "b"\nc\n'},
            'cert: |\n  a: "b"\n  c\n  ',
        ),
    ],
)
def test_decks_expressions_are_rendered(text: str, environment: Any, expected: str) -> None:
    assert render_environment(text, environment) == expected


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ('env "HOST"', "must begin with DECK_"),
        ('env "DECK_MISSING"', "DECK_MISSING is not set"),
        ('file "x"', "unknown expression"),
        ('env "DECK_MISSING" | indent', "unknown expression"),
    ],
)
def test_a_wrong_expression_names_its_line(expression: str, problem: str) -> None:
    with pytest.raises(DocumentError) as caught:
        render_environment(f"a: 1\nb: ${{{{ {expression} }}}}", {})
    assert caught.value.problems[0].startswith("line 2: ")
    assert problem in caught.value.problems[0]


def test_expressions_set_aside_are_put_back_wherever_they_stood() -> None:
    text = 'a: ${{ env "DECK_A" }}\nb: "x${{ env "DECK_B" | toInt }}y deck-expression-1-"\n'
    aside, put_back = set_aside(text)
    assert "${{" not in aside
    assert put_back(aside) == text
