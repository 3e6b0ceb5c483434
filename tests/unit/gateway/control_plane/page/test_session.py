# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from gateway.control_plane.page.session import LONGEST, SessionSealer

KEY, OTHER = b"k" * 32, b"o" * 32


@given(st.text(max_size=300))
def test_a_cookie_holds_the_token_and_shows_nothing_of_it(token: str) -> None:
    cookie = SessionSealer(KEY).seal(token)
    assert SessionSealer(KEY).open(cookie) == token
    assert len(token) < 4 or token not in cookie


@given(st.text(max_size=200))
def test_what_is_no_cookie_of_ours_is_nobody(text: str) -> None:
    assert SessionSealer(KEY).open(text) is None


def test_a_cookie_of_another_key_is_nobodys() -> None:
    assert SessionSealer(OTHER).open(SessionSealer(KEY).seal("token")) is None


def test_one_is_signed_in_for_twelve_hours_and_not_from_the_future() -> None:
    now = 1_000_000.0
    cookie = SessionSealer(KEY, lambda: now).seal("token")
    for later, found in ((LONGEST, "token"), (LONGEST + 1, None), (-1, None)):
        assert SessionSealer(KEY, partial(float, now + later)).open(cookie) == found


def test_a_form_is_of_one_session() -> None:
    sealer = SessionSealer(KEY)
    ours = sealer.form_token("cookie")
    assert ours != sealer.form_token("cookie"), "another one each time"
    assert sealer.is_form_token(ours, "cookie")
    for given_token, cookie in ((ours, "another"), ("", "cookie"), ("é", "cookie")):
        assert not sealer.is_form_token(given_token, cookie)
    assert not SessionSealer(OTHER).is_form_token(ours, "cookie")
