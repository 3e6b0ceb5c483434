# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from provider.documents import (
    describe_drift,
    differences,
    is_specified,
    problem_at,
    refreshed,
    shown_kind,
)

WANTED: dict[str, Any] = {"services": {"a": {"url": "http://up.test/x", "retries": 3}}}
LIVE: dict[str, Any] = {
    "services": {
        "a": {"protocol": "http", "host": "other.test", "port": 80, "path": "/x", "retries": 3}
    }
}
HOST = 'document.services["a"].host'


def test_differences_stand_below_the_property_document() -> None:
    assert differences(WANTED, LIVE, "ours") == {HOST: "update"}
    assert differences({"unknown": {}}, WANTED, "ours") == {"document": "update"}


def test_a_live_value_is_shown_unless_it_may_be_a_secret() -> None:
    assert describe_drift(HOST, LIVE, WANTED) == f"{HOST} ('other.test' there)"
    assert describe_drift("document.password", {"password": "x"}, {}) == "document.password"


def test_what_the_program_leaves_out_is_shown_as_to_be_deleted() -> None:
    news = {"document": WANTED}
    assert shown_kind('document.services["a"].retries', "update", news) == "update"
    assert shown_kind('document.services["a"].tags', "update", news) == "delete"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ('document.services["a"].host', True),
        ('document.services["a"].retries', True),
        ('document.services["a"].tags', False),
        ('document.services["b"]', True),
    ],
)
def test_values_and_whole_entities_are_the_programs(path: str, expected: bool) -> None:
    assert is_specified(path, {"document": WANTED}) is expected


def test_a_refresh_takes_over_what_differs_and_splits_the_url_for_it() -> None:
    assert refreshed(WANTED, LIVE, "ours") == LIVE
    assert refreshed(WANTED, WANTED, "ours") == WANTED


def test_a_problem_is_split_into_path_and_sentence() -> None:
    sentence = 'services["a: b"].routes[0].x: should be: this'
    assert problem_at(sentence) == ('document.services["a: b"].routes[0].x', "should be: this")
    assert problem_at("no path at all") == ("document", "no path at all")
