# SPDX-License-Identifier: Apache-2.0
"""What is read off regexes must hold for every path they match."""

from __future__ import annotations

import pytest

from gateway.routing.literals import literals


@pytest.mark.parametrize(
    ("pattern", "prefix", "segments"),
    [
        (r"/users/\d+/profile$", b"/users/", {b"users", b"profile"}),
        (r"/users/\d+/pro", b"/users/", {b"users"}),
        (r"/a\.b/c?d", b"/a.b/", {b"a.b"}),
        (r"/ab*/x/", b"/a", {b"x"}),
        (r"/a/(b|c)/d/", b"/a/", {b"a", b"d"}),
        (r"/(?<id>[^/()]+)/d/", b"/", {b"d"}),
        (r"/a/[])/x/]+/d/", b"/a/", {b"a", b"d"}),
        (r"/a{2}/b/", b"/", {b"b"}),
        (r"/a+/b/", b"/", {b"b"}),
        (r"/a/|/b/", b"", set()),
        (r"/(?i)a/b/", b"", set()),
        (r"/\Qa.b\E/", b"", set()),
        (r"/\x41/b/", b"", set()),
        (r"/a\$/b", b"/a", set()),
        (r"/endeløst/(\d)", "/endeløst/".encode(), {"endeløst".encode()}),
    ],
)
def test_the_literals_of_a_pattern(pattern: str, prefix: bytes, segments: set[bytes]) -> None:
    found = literals(pattern)
    assert found.prefix == prefix
    assert found.segments == segments
