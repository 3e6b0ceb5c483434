# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.documents.document import to_table
from gateway.documents.tree import CHILDREN, contains, derived_id, owner_tag
from gateway.entities.own_tags import is_own_tag
from gateway.errors import DocumentError


def test_children_are_those_that_kong_nests() -> None:
    assert CHILDREN["services"] == {"routes": "service", "plugins": "service"}
    assert CHILDREN["routes"] == {"plugins": "route"}
    assert CHILDREN["upstreams"] == {"targets": "upstream"}
    assert "keyauth_credentials" in CHILDREN["consumers"]
    assert CHILDREN["plugins"] == {}


def test_ids_are_stable_over_releases_of_the_gateway() -> None:
    assert derived_id("local", 'routes["a"]') == derived_id("local", 'routes["a"]')
    assert derived_id("local", 'routes["a"]') == "3da32257-27dc-5db2-9cf1-035773808c09"


def test_tags_survive_owners_with_slashes_and_commas() -> None:
    tag = owner_tag("org/project,stack")
    assert is_own_tag(tag)
    assert not {",", "/"} & set(tag)


@pytest.mark.parametrize("value", ["U", "xUy", ["U"], {"a": [{"b": "U"}]}])
def test_a_sentinel_is_found_at_any_depth(value: object) -> None:
    assert contains(value, "U")
    assert not contains(value, None)
    assert not contains(value, "V")


def test_a_sentinel_may_be_an_object() -> None:
    sentinel = object()
    assert contains({"a": sentinel}, sentinel)
    assert not contains("a", sentinel)


@pytest.mark.parametrize("deep", [1000, 5000])
def test_a_document_that_is_nested_too_deeply_is_refused_in_words(deep: int) -> None:
    value: Any = "x"
    for _ in range(deep):
        value = {"a": value}
    for document in ({"services": {"s": value}}, {"services": {"s": {"host": value}}}):
        with pytest.raises(DocumentError, match="nested too deeply"):
            to_table(document, "o", 0)
