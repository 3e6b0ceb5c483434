# SPDX-License-Identifier: Apache-2.0
"""Members of JSON objects with their places in the text."""

from __future__ import annotations

import pytest

from gateway.errors import RequestRejected
from gateway.plugins.key_auth.objects import MOST, members


def test_each_member_of_the_name_is_found_in_its_place() -> None:
    text = '{"a": 1, "apikey": "x", "b": [2], "apikey": {}}'
    first, second = members(text, ["apikey"])
    assert (first.keys, text[first.start : first.end]) == ((b"x",), ', "apikey": "x"')
    assert (len(second.keys), text[second.start : second.end]) == (2, ', "apikey": {}')


@pytest.mark.parametrize("text", ["", "[1]", '{"apikey":', '{"apikey": "x"} more', "{apikey: 1}"])
def test_what_is_no_object_has_no_members(text: str) -> None:
    assert members(text, ["apikey"]) == []


def test_too_many_members_are_refused() -> None:
    text = "{" + ",".join(f'"{number}":1' for number in range(MOST + 1)) + "}"
    with pytest.raises(RequestRejected, match=str(MOST)):
        members(text, ["apikey"])
