# SPDX-License-Identifier: Apache-2.0
"""How long a response is fresh; what requests want of it: test_handler."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.http.messages import Response
from gateway.plugins.proxy_cache.freshness import directives, is_usable, lifetime

NOW = 784111777.0
"""Sun, 06 Nov 1994 08:49:37 GMT."""


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([("Cache-Control", "s-maxage=10, max-age=1")], 10),
        ([("Cache-Control", "MAX-AGE=7")], 7),
        ([("Cache-Control", 'max-age="7"')], 7),
        ([("Cache-Control", "max-age=7"), ("Cache-Control", "private")], 0),
        ([("Cache-Control", 'private="x-a", max-age=7')], 0),
        ([("Cache-Control", "max-age=-1")], 0),
        ([("Cache-Control", "max-age=7.5")], 0),
        ([("Cache-Control", "max-age")], 0),
        ([("Cache-Control", "max-age=99999999999999999999")], 2**31),
        ([("Cache-Control", "max-age=" + "9" * 5000)], 2**31),
        ([("Cache-Control", "max-age=" + "0" * 5000 + "7")], 7),
        ([("Expires", "Sun, 06 Nov 1994 08:50:37 GMT")], 60),
        ([("Expires", "Sun, 06 Nov 1994 08:40:37 GMT")], 0),
        ([("Expires", "0")], 0),
        ([("Expires", "Sun, 06 Nov 1994 08:50:37 GMT"), ("Cache-Control", "max-age=7")], 7),
        ([], 0),
    ],
)
def test_a_lifetime(headers: list[tuple[str, str]], seconds: int) -> None:
    pairs = [(name.encode(), value.encode()) for name, value in headers]
    assert lifetime(Response(200, pairs), NOW) == seconds


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_any_text_is_read(text: str) -> None:
    said = directives(text)
    assert is_usable(1, 10, said, strict=False) in (True, False)
    response = Response(200, [(b"Expires", text.encode()), (b"Cache-Control", b"")])
    assert lifetime(response, NOW) >= 0
