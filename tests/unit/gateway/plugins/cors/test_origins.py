# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.plugins.cors.origins import Origins

BAR, FOO = "https://bar.test:1234", "https://foo.test:8000"
SUB = "https://x.foo.test:8000"
PORT = r"https://(.*[.])?foo\.test:8000"


@pytest.mark.parametrize(
    ("origins", "origin", "allowed", "vary"),
    [
        ([], "http://a.test", "*", False),
        (["*"], None, "*", False),
        # A single one that is no regex is told to everyone.
        (["foo.test"], "http://evil.test", "foo.test", True),
        (["https://foo.test"], None, "https://foo.test", True),
        # Regexes and several: the origin that matches, without the port that it has anyway.
        ([r"foo\.test"], "http://foo.test:80", "http://foo.test", True),
        ([r"foo\.test"], "https://foo.test:443", "https://foo.test", True),
        ([r"foo\.test"], "https://foo.test:80", "https://foo.test:80", True),
        ([r"foo\.test"], "http://evil.test", None, True),
        ([r"foo\.test"], "http://foo.test.evil.test", None, True),
        ([r"foo\.test"], "http://evil-foo.test", None, True),
        ([r"foo\.test"], "http://fooxtest", None, True),
        (["http://foo.test", BAR], BAR, BAR, True),
        (["http://foo.test", BAR], "https://bar.test", None, True),
        (["foo.test", "bar.test"], "http://foo.test", None, True),
        (["a.test", "b.test"], None, None, True),
        ([PORT], "http://foo.test:8000", None, True),
        ([PORT], FOO, FOO, True),
        ([PORT], SUB, SUB, True),
        ([PORT], "https://xfoo.test:8000", None, True),
        ([PORT], "https://foo.test:80001", None, True),
        # One of several is "*".
        (["http://foo.test", "*"], "http://any.test", "*", True),
        (["http://foo.test", "*"], "http://foo.test", "http://foo.test", True),
        (["http://foo.test", "*"], "", None, True),
        (["null", "http://foo.test"], "null", "null", True),
        ([r".*"], "null", None, True),
    ],
)  # fmt: skip
def test_origins(origins: list[str], origin: str | None, allowed: str | None, vary: bool) -> None:
    found = Origins(origins).allow(origin)
    assert (found.origin, found.vary) == (allowed, vary)


@settings(max_examples=50)
@given(st.text(max_size=40))
def test_what_does_not_match_is_never_told(origin: str) -> None:
    found = Origins([r"https://[a-z]+\.example\.com", "http://one.test"]).allow(origin)
    assert found.origin is None or found.origin.startswith(("https://", "http://one.test"))


def test_a_very_long_origin_matches_nothing() -> None:
    assert Origins([r".*\.test"]).allow("http://" + "a" * 2000 + ".test").origin is None
