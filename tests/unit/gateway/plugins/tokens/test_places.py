# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.plugins.tokens.places import bearer, cookies, query_values
from tests.support.requests import request_of


@pytest.mark.parametrize(
    ("value", "token"),
    [
        (b"Bearer abc", b"abc"),
        (b"bearer abc", b"abc"),
        (b"  Bearer \t abc", b"abc"),
        (b"Bearer  abc", b"abc"),
        (b"Bearer a b", b"a b"),
        (b"Bearer", None),
        (b"Bearer ", None),
        (b"BEARER abc", None),
        (b"Basic Bearer abc", None),
        (b"Bearerabc", None),
        (b"abc", None),
        (b"", None),
    ],
)
def test_a_token_stands_behind_the_word_bearer(value: bytes, token: bytes | None) -> None:
    assert bearer(value) == token


def test_of_each_cookie_the_first_counts() -> None:
    request = request_of(
        headers=[(b"cookie", b"a=1; b = 2;c=;a=3; d"), (b"cookie", b"e==4="), (b"x", b"f=5")]
    )
    names = [b"a", b"b", b"c", b"d", b"e", b"f", b"A"]
    assert list(cookies(request, names)) == [b"1", b"2", b"=4="]


def test_all_values_of_query_arguments_count() -> None:
    request = request_of(b"/?jwt=a&x=b&j%77t=c+d&jwt=&jwt&y")
    assert list(query_values(request, ["jwt", "y", "z"])) == ["a", "c d", "", True, True]
    assert not list(query_values(request_of(b"/"), ["jwt"]))
