# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.plugins.request_validator.content_types import AllowedTypes, media_type


@pytest.mark.parametrize(
    ("allowed", "given", "fits"),
    [
        ("application/json", "application/json", True),
        ("application/json", "Application/JSON", True),
        ("application/json", "application/json; charset=UTF-8", False),
        ("application/json; charset=UTF-8", "application/json;charset=utf-8", True),
        ("application/json; charset=UTF-8", "application/json", False),
        ("application/json", "application/jsonx", False),
        ("application/*", "application/xml", True),
        ("*/*", "text/plain", True),
        ("application/json", "", False),
        ("application/json", "json", False),
    ],
)
def test_allowed(allowed: str, given: str, fits: bool) -> None:
    assert (AllowedTypes([allowed], parameters=True).find(given) is not None) is fits


def test_parameters_do_not_count_where_that_is_said() -> None:
    found = AllowedTypes(["application/json"], parameters=False)
    assert found.find("application/json; charset=x") is not None


@pytest.mark.parametrize(
    ("text", "is_json"),
    [("application/json", True), ("application/merge-patch+json", True), ("text/json", False)],
)
def test_which_types_are_json(text: str, is_json: bool) -> None:
    found = media_type(text)
    assert found is not None
    assert found.is_json is is_json
