# SPDX-License-Identifier: Apache-2.0
"""Parts of multipart bodies by their names (RFC 7578)."""

from __future__ import annotations

import pytest

from gateway.errors import RequestRejected
from gateway.plugins.key_auth.multipart import MOST, parts

TYPE = b"multipart/form-data; boundary=b"


def part(name: bytes, value: bytes, end: bytes = b"\r\n") -> bytes:
    head = b'content-disposition: form-data; name="%b"' % name
    return end.join([b"--b", head, b"", value, b""])


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("closing", [b"--b--\r\n", b""])
def test_a_part_is_found_whatever_its_line_ends(end: bytes, closing: bytes) -> None:
    body = part(b"a", b"1", end) + part(b"apikey", b"k\n2", end) + closing
    (found,) = parts(body, TYPE, ["apikey"])
    assert (found.name, found.keys) == ("apikey", (b"k\n2",))
    assert body[found.start : found.end] == part(b"apikey", b"k\n2", end)


def test_without_a_boundary_there_are_no_parts() -> None:
    assert parts(part(b"apikey", b"k"), b"multipart/form-data", ["apikey"]) == []


def test_too_many_parts_are_refused() -> None:
    with pytest.raises(RequestRejected, match=str(MOST)):
        parts(part(b"a", b"") * (MOST + 1), TYPE, ["apikey"])
