# SPDX-License-Identifier: Apache-2.0
"""Normal forms and escaping, beyond the vectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing.normalise import escape, is_text, normalise


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        (b"/a/%2fb", b"/a/%2Fb"),
        (b"/a%zz%4", b"/a%zz%4"),
        (b"/%252e", b"/%252e"),
        (b"/a/.hidden", b"/a/.hidden"),
        (b"/a/...", b"/a/..."),
        (b"/a/b/..", b"/a/"),
        (b"/a/.", b"/a/"),
        (b"//a///b", b"/a/b"),
        (b"*", b"*"),
    ],
)
def test_the_normal_form(path: bytes, normal: bytes) -> None:
    assert normalise(path) == normal


@given(st.binary(max_size=40))
def test_the_normal_form_never_climbs_above_the_root(path: bytes) -> None:
    found = normalise(b"/" + path)
    assert found.startswith(b"/")
    assert not {b".", b".."} & set(found.split(b"/"))
    assert b"//" not in found


@given(st.binary(max_size=40))
def test_what_is_sent_holds_only_sendable_bytes(path: bytes) -> None:
    sent = escape(path)
    assert sent.isascii()
    assert not set(sent) & set(b' "<>\\^`{|}\x00\r\n')
    assert escape(sent) == sent


def test_bytes_that_are_not_utf8_are_no_text() -> None:
    assert is_text("/endeløst".encode())
    assert not is_text(b"/\xff")
