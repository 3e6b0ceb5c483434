# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.entities import validate_row
from gateway.entities.route import Route
from gateway.entities.sets import without_repeats
from gateway.errors import SchemaViolation


def test_what_stands_in_a_set_twice_is_kept_once_in_the_order_of_the_first() -> None:
    sent = {"methods": ["PUT", "GET", "PUT"], "tags": ["b", "a", "b"], "paths": ["/a", "/a"]}
    row = validate_row("routes", {**sent, "protocols": ["https", "http", "https"]})
    assert row["methods"] == ["PUT", "GET"]
    assert row["tags"] == ["b", "a"]
    assert row["protocols"] == ["https", "http"]
    assert row["paths"] == ["/a", "/a"], "an array"
    assert sent["methods"] == ["PUT", "GET", "PUT"], "what was given stays"


def test_sets_of_a_plugins_settings_are_sets_too() -> None:
    config = {"claims_to_verify": ["exp", "exp"], "cookie_names": ["a", "b", "a"]}
    found = validate_row("plugins", {"name": "jwt", "config": config})["config"]
    assert (found["claims_to_verify"], found["cookie_names"]) == (["exp"], ["a", "b"])
    config = {"key_names": ["a", "a"]}
    found = validate_row("plugins", {"name": "key-auth", "config": config})["config"]
    assert found["key_names"] == ["a", "a"], "an array"


def test_what_is_wrong_is_counted_in_what_is_left() -> None:
    with pytest.raises(SchemaViolation) as caught:
        validate_row("routes", {"paths": ["/"], "methods": ["GET", "GET", "a b"]})
    assert list(caught.value.fields["methods"]) == ["2"]


def test_what_is_alike_to_python_alone_is_kept() -> None:
    sent: dict[str, Any] = {"methods": [1, True, "GET"], "tags": "aa", "snis": [["a"], ["a"]]}
    assert without_repeats(Route, sent) is sent


values = st.one_of(st.none(), st.booleans(), st.integers(0, 2), st.sampled_from("ab"))


@given(st.dictionaries(st.sampled_from(["methods", "tags", "hosts"]), st.lists(values)))
def test_once_is_enough_and_nothing_is_lost(data: dict[str, Any]) -> None:
    found = without_repeats(Route, data)
    assert without_repeats(Route, found) is found
    for name, items in data.items():
        assert {(type(one), one) for one in found[name]} == {(type(one), one) for one in items}
