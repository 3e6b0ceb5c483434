# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.headers import Headers
from gateway.plugins.kept_heads import kept_headers, plain_headers

NAMES = st.text("abcXYZ019-_!#$%&'*+.^`|~", min_size=1).map(str.encode)
VALUES = st.binary().map(lambda value: value.translate(None, b"\0\r\n"))


@given(st.lists(st.tuples(NAMES, VALUES)))
def test_headers_come_back_as_they_were(headers: Headers) -> None:
    assert kept_headers(orjson.loads(orjson.dumps(plain_headers(headers)))) == headers
