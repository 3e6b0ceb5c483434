# SPDX-License-Identifier: Apache-2.0
"""Names are tokens of RFC 9110, and nothing may begin another line."""

from __future__ import annotations

import pytest

from gateway.names.header_texts import has_control, is_field_name


@pytest.mark.parametrize("name", ["a", "X-Api-Key", "9", "!#$%&'*+-.^_`|~"])
def test_these_are_names(name: str) -> None:
    assert is_field_name(name)


@pytest.mark.parametrize(
    "name", ["", " a", "a b", "a:", "a\n", "\u00fc", "\uff21", "a/b", "(a)", "a\x00", '"a"']
)
def test_these_are_none(name: str) -> None:
    assert not is_field_name(name)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", False),
        ("a \u00fc\u2028", False),
        ("a\r\nb", True),
        ("\n", True),
        ("a\x1f", True),
        ("\x7f", True),
        ("a\tb", True),
        ("\x00", True),
    ],
)
def test_control_characters_are_found_wherever_they_stand(text: str, found: bool) -> None:
    assert has_control(text) is found
