# SPDX-License-Identifier: Apache-2.0
"""Route regexes, and what is refused of them."""

from __future__ import annotations

import pytest

from gateway.errors import ReleaseRefused
from gateway.routing.regex import Pattern, PatternSet
from gateway.routing.router import Router
from tests.support.requests import route_row


@pytest.mark.parametrize("pattern", ["/(?=a)", "/(?!a)", "/(?<=a)b", "/(?<!a)b"])
def test_look_around_is_refused_with_its_name(pattern: str) -> None:
    with pytest.raises(ReleaseRefused, match="look-around"):
        Router([route_row(paths=["~" + pattern])])


def test_parentheses_around_do_not_make_good_of_bad() -> None:
    with pytest.raises(ReleaseRefused, match="unexpected"):
        Router([route_row(paths=["~/a)(b"])])


def test_a_match_shows_its_groups_by_number_and_by_name() -> None:
    pattern = Pattern(r"/(?P<kind>\w+)/(\d+)(/x)?")
    spans = pattern.spans(b"/user/7/more")
    assert spans is not None
    captures = pattern.captures(b"/user/7/more", spans)
    assert captures == {"1": b"user", "2": b"7", "3": None, "kind": b"user"}
    assert pattern.spans(b"/user/x") is None


def test_many_patterns_are_matched_as_one() -> None:
    patterns = PatternSet(["/a/.*", r"/\w+/b", "/c"])
    assert list(patterns.matching(b"/a/b")) == [0, 1]
    assert list(patterns.matching(b"/x/c")) == []
