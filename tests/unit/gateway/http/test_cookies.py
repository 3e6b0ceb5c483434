# SPDX-License-Identifier: Apache-2.0
"""Cookies as a request carries them."""

from __future__ import annotations

from gateway.http.cookies import cookies_of
from tests.support.requests import request_of


def test_names_and_values_come_from_all_lines_and_the_first_of_a_name_counts() -> None:
    lines = [(b"cookie", b"a=1; b = 2 ;none; a=3"), (b"cookie", b"c=x=y")]
    found = cookies_of(request_of(headers=lines))
    assert found == {b"a": b"1", b"b": b"2", b"c": b"x=y"}


def test_without_a_cookie_there_are_none() -> None:
    assert cookies_of(request_of()) == {}
