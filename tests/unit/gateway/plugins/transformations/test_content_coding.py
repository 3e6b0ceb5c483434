# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
import zlib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import UpstreamError
from gateway.plugins.transformations.content_coding import can_decode, decode

RAW = zlib.compressobj(wbits=-15)
DEFLATED = RAW.compress(b"hello" * 9) + RAW.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("", b"hello" * 9),
        ("identity", b"hello" * 9),
        ("gzip", gzip.compress(b"hello" * 9, mtime=0)),
        ("x-gzip", gzip.compress(b"hello" * 9, mtime=0)),
        ("deflate", zlib.compress(b"hello" * 9)),
        ("deflate", DEFLATED),
    ],
)
def test_what_is_decoded(coding: str, body: bytes) -> None:
    assert can_decode(coding)
    assert decode(body, coding, 100) == b"hello" * 9


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress"])
def test_what_is_not(coding: str) -> None:
    assert not can_decode(coding)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(bytes(10_000_000), mtime=0)),
        ("gzip", gzip.compress(b"hello", mtime=0)[:-9]),
        ("gzip", b"no gzip"),
        ("deflate", b"\xff\xff\xff"),
    ],
)
def test_what_is_broken_or_too_large_is_a_502(coding: str, body: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        decode(body, coding, 1000)
    assert caught.value.status == 502


@settings(max_examples=50)
@given(st.binary(max_size=60), st.sampled_from(["gzip", "deflate"]))
def test_no_bytes_do_anything_else(body: bytes, coding: str) -> None:
    with suppress(UpstreamError):
        assert isinstance(decode(body, coding, 1000), bytes)
