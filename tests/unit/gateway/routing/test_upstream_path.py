# SPDX-License-Identifier: Apache-2.0
"""Joining the path of a service with what a route leaves of a request's path."""

from __future__ import annotations

import pytest

from gateway.routing.upstream_path import upstream_path


@pytest.mark.parametrize(
    ("base", "path", "prefix", "strip", "joined"),
    [
        (b"/", b"/a/b", b"/a", True, b"/b"),
        (b"/", b"/a", b"/a", True, b"/"),
        (b"/up", b"/a/b", b"/a", True, b"/up/b"),
        (b"/up/", b"/a", b"/a", True, b"/up"),
        (b"/up", b"/a/", b"/a/", True, b"/up/"),
        (b"/up", b"/a/b", None, True, b"/up/a/b"),
        (b"/up", b"/a/b", b"/a", False, b"/up/a/b"),
        (b"/up", b"/", None, False, b"/up"),
        (b"/", b"/a../x", b"/a", True, b"/x"),
        (b"/", b"/a b", None, False, b"/a%20b"),
    ],
)
def test_the_path_for_the_upstream(
    base: bytes, path: bytes, prefix: bytes | None, strip: bool, joined: bytes
) -> None:
    assert upstream_path(base, path, prefix, strip=strip) == joined
