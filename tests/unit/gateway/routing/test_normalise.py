# SPDX-License-Identifier: Apache-2.0
"""Normal forms and escaping, beyond the vectors."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing.normalise import escape, hides_dots, is_text, may_hide_dots, normalise


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


HIDING = [
    b"/open/..%2fsecret/x",
    b"/pub..%2f..%2fadmin",
    b"/open/%2e%2e%2fsecret",
    b"/open/%2E%2e%2Fsecret",
    b"/open/..%5csecret",
    b"/open/..%5Csecret",
    b"/open/..\\secret",
    b"/open/.%2e\\secret",
    b"/open/..;/secret",
    b"/open/..;x=1/secret",
    b"/open/..%3b/secret",
    b"/open/%2f..",
    b"/open/..%2f",
    b"/open/x%2f..%2f..%2fsecret",
    b"/open/.%2fsecret",
    b"/open%2f.",
    b"/open/..;",
    b"/open/;..",
    b"/open/..%252fsecret",
    b"/open/..%25252fsecret",
    b"/open/..%25%32%66secret",
    b"/open/%252e%252e/secret",
    b"/open/%252e%252e%252fsecret",
    b"/open/..%u002fsecret",
    b"/open/..%3fsecret",
    b"/open/..%00/secret",
    b"/open/%2e%2e%00",
    b"/open/.%09./secret",
    b"/open/.%0d%0a.%2fsecret",
    b"/open/..%2509/secret",
]


@pytest.mark.parametrize("path", HIDING)
def test_a_dot_segment_that_only_an_upstream_sees_is_found(path: bytes) -> None:
    normal = normalise(path)
    assert may_hide_dots(normal)
    assert hides_dots(normal)


@pytest.mark.parametrize(
    "path",
    [
        b"/a/../b",
        b"/a/%2e%2e/b",
        b"/a%2fb",
        b"/a/.hidden%2fb",
        b"/a..%2fb",
        b"/a/...%2fb",
        b"/a/b;v=1.2/c",
        b"/a\\b",
        b"/100%25.",
        b"/a/x.%2f.y",
    ],
)
def test_other_paths_hide_nothing(path: bytes) -> None:
    assert not hides_dots(normalise(path))


def _as_segments(path: bytes, decodings: int) -> list[bytes]:
    """Read a path as servers do that decode, know backslashes, cut parameters and behind a NUL."""
    for _ in range(decodings):
        path = unquote_to_bytes(path)
    path = path.translate(None, b"\t\r\n").partition(b"\0")[0].replace(b"\\", b"/")
    return [segment.partition(b";")[0] for segment in path.split(b"/")]


_PIECES = [b".", b"..", b"/", b"\\", b";", b"%", b"25", b"2e", b"%2F", b"%5c", b"%3b", b"a", b"%2E"]
_PIECES += [b"%00", b"%09", b"%0a", b"00"]


@given(st.lists(st.sampled_from(_PIECES), max_size=12), st.integers(0, 3))
def test_what_hides_nothing_has_no_dot_segment_for_any_server(
    pieces: list[bytes], decodings: int
) -> None:
    normal = normalise(b"/" + b"".join(pieces))
    if not (may_hide_dots(normal) and hides_dots(normal)):
        assert not {b".", b".."} & set(_as_segments(escape(normal), decodings))


@given(st.lists(st.sampled_from([*_PIECES, b"a", b"//", b"%41", b"%5c", b"%3b", b"\x01"])))
def test_a_path_that_may_hide_dots_in_its_normal_form_may_as_it_came(pieces: list[bytes]) -> None:
    path = b"/" + b"".join(pieces)
    assert may_hide_dots(path) or not may_hide_dots(normalise(path))
