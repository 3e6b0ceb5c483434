# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.settings.shown_headers import DEFAULT_WORDS, shown_headers


def test_a_group_stands_for_its_headers_and_a_name_for_itself() -> None:
    assert shown_headers(["server_tokens", "X-Kong-Request-Id"]) == {
        "server",
        "via",
        "x-kong-request-id",
    }
    assert shown_headers(["off"]) == shown_headers([]) == frozenset()
    assert "x-kong-upstream-latency" in shown_headers(DEFAULT_WORDS)


def test_a_word_that_is_none_is_named_with_those_that_are() -> None:
    with pytest.raises(ValueError, match='"x-other" is not one of server_tokens, latency_tokens'):
        shown_headers(["server_tokens", "x-other"])
