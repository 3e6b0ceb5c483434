# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import UnresolvedReference
from gateway.vaults.references import Reference, references, resolve

ENVIRONMENT = {"KAFKA_API_KEY": "key", "BUNDLE": '{"user": "u", "port": 5}', "EMPTY": ""}


def test_references_are_resolved_at_any_depth() -> None:
    config = {"user": "{vault://env/KAFKA_API_KEY}", "list": [{"a": "{vault://env/kafka-api-key}"}]}
    assert resolve(config, ENVIRONMENT) == {"user": "key", "list": [{"a": "key"}]}


def test_a_key_picks_a_member_of_a_json_object() -> None:
    assert resolve("{vault://env/bundle/user}", ENVIRONMENT) == "u"
    assert resolve("{vault://env/bundle/port}", ENVIRONMENT) == "5"


def test_all_references_without_value_are_listed() -> None:
    value = ["{vault://env/A}", "{vault://env/B}", "{vault://env/KAFKA_API_KEY}"]
    with pytest.raises(UnresolvedReference) as caught:
        resolve(value, ENVIRONMENT)
    assert caught.value.references == ["{vault://env/A}", "{vault://env/B}"]


@pytest.mark.parametrize(
    "reference",
    [
        "{vault://env/EMPTY}",
        "{vault://aws/KAFKA_API_KEY}",
        "{vault://env/KAFKA_API_KEY/member}",
        "{vault://env/BUNDLE/none}",
        "{vault://env/a/b/c}",
    ],
)
def test_what_cannot_be_looked_up_is_unresolved(reference: str) -> None:
    with pytest.raises(UnresolvedReference):
        resolve(reference, ENVIRONMENT)


def test_a_value_without_references_is_returned_itself() -> None:
    value = {"a": ["text", 5, None, "a {vault://env/X} inside"]}
    assert resolve(value, {}) is value
    assert references(value) == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{vault://hcv/a}", ("hcv", "a", None, None, {})),
        ("{vault://my-vault/a/b/key}", ("my-vault", "a/b", "key", None, {})),
        ("{vault://aws/%2Fa/b%2Fc/key#2}", ("aws", "/a/b/c", "key", 2, {})),
        ("{vault://hcv/a/k?ttl=5&kv=v2#1}", ("hcv", "a", "k", 1, {"ttl": "5", "kv": "v2"})),
        ("{vault://hcv/a/}", ("hcv", "a", None, None, {})),
    ],
)
def test_a_reference_has_parts(text: str, expected: tuple[object, ...]) -> None:
    found = Reference.parse(text)
    assert found is not None
    assert (found.vault, found.resource, found.key, found.version, found.options) == expected


@given(st.text("{}vault:/?#=&%azAZ.-_0 9\n", max_size=60) | st.text(max_size=30))
@settings(max_examples=50)
def test_any_text_is_a_reference_or_none(text: str) -> None:
    found = Reference.parse(f"{{vault://{text}}}")
    assert found is None or found.text == f"{{vault://{text}}}"
    assert Reference.parse(text) is None or text.startswith("{vault://")
