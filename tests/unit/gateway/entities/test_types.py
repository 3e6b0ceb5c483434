# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.entities import types

UUID = "11111111-2222-3333-4444-555555555555"
REFERENCE = "{vault://env/NAME}"


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        (types.ForeignKey, {"id": UUID}, UUID),
        (types.UuidOrReference, REFERENCE, REFERENCE),
        (types.TopicName, REFERENCE, REFERENCE),
        (types.TokenUrl, "https://a.test/token?tenant=1", "https://a.test/token?tenant=1"),
        (types.ProxyUrl, "http://user:word@a.test:3128", "http://user:word@a.test:3128"),
        (types.UrlPath, "/a%2Fb", "/a%2Fb"),
    ],
)
def test_a_value_of_its_type_is_kept(kind: Any, value: object, kept: object) -> None:
    assert TypeAdapter(kind).validate_python(value) == kept


def test_whole_numbers_stay_integers() -> None:
    adapter = TypeAdapter(types.Number)
    assert isinstance(adapter.validate_python(2.0), int)
    assert adapter.validate_python(2.5) == 2.5


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (types.Uuid, REFERENCE, "expected a valid UUID"),
        (types.Tag, "a,b", "invalid tag 'a,b'"),
        (types.Name, "a b", "invalid value 'a b'"),
        (types.UrlPath, "a", "should start with: /"),
        (types.UrlPath, "/a//b", "must not have empty segments"),
        (types.UrlPath, "/%zz", "invalid url-encoded value: '%zz'"),
        (types.ConnectPort, 0, "0 is no port to connect to"),
        (types.TopicName, "a b", "Kafka allows no blank in it"),
        (types.HttpUrl, "https://a.test/?x=1", "has a ? in it"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_reason(
    kind: Any, value: object, text: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    assert text in caught.value.errors()[0]["msg"]
