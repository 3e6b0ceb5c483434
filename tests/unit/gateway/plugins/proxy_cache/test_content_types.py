# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.plugins.proxy_cache.content_types import ContentTypes


@pytest.mark.parametrize(
    ("kept", "given", "held"),
    [
        ("application/json", "application/json", True),
        ("application/json", "Application/JSON", True),
        ("application/json", "application/json; charset=utf-8", False),
        ("application/json; charset=utf-8", "application/json;charset=utf-8", True),
        ("application/json; charset=utf-8", 'application/json; Charset="utf-8"', True),
        ("application/json; charset=utf-8", "application/json; charset=latin-1", False),
        ("application/json; charset=utf-8", "application/json", False),
        ("a/b; x=1; y=2", "a/b; y=2; x=1", True),
        ("application/*", "application/xml", True),
        ("*/*", "image/png", True),
        ("*/*", "text/html; charset=utf-8", False),
        ("*/*; *", "text/html; charset=utf-8", True),
        ("application/json; *", "application/json", True),
        ("application/json; *", "application/xml; charset=utf-8", False),
        ("text/plain", "nonsense", False),
        ("text/plain", "", False),
    ],
)
def test_a_type_matches_with_wildcards_and_equal_parameters(
    kept: str, given: str, held: bool
) -> None:
    assert ContentTypes([kept]).hold(given) is held
