# SPDX-License-Identifier: Apache-2.0
"""Consumers by their keys, and what a request shows of them."""

from __future__ import annotations

import pytest

from gateway.errors import ReleaseRefused
from gateway.plugins.consumers import Consumers
from tests.support.producing import request

ANN = {"id": "c-ann", "username": "ann\r\nx: 1", "custom_id": None}


def key(id_: str, text: str, consumer: str = "c-ann", **more: object) -> dict[str, object]:
    return {"id": id_, "key": text, "consumer": consumer, "created_at": 0, "ttl": None, **more}


def test_a_key_finds_its_consumer_whose_headers_replace_claimed_ones() -> None:
    found = Consumers([ANN], [key("k", "secret")]).by_key(b"secret")
    assert found is not None
    asked = request(headers=[("x-consumer-id", "another")])
    found.put_on(asked)
    assert asked.consumer is ANN
    headers = dict(asked.headers)
    assert headers[b"x-consumer-id"] == b"c-ann"
    assert headers[b"x-consumer-username"] == b"ann  x: 1"
    assert headers[b"x-credential-identifier"] == b"k"


def test_a_key_that_ended_or_has_no_consumer_finds_none() -> None:
    keys = [key("a", "ended", ttl=1), key("b", "lost", consumer="gone")]
    consumers = Consumers([ANN], keys)
    assert consumers.by_key(b"ended") is consumers.by_key(b"lost") is None


def test_two_credentials_with_one_key_refuse_the_release_without_naming_it() -> None:
    with pytest.raises(ReleaseRefused, match="a and b") as caught:
        Consumers([ANN], [key("a", "secret"), key("b", "secret")])
    assert "secret" not in str(caught.value)
