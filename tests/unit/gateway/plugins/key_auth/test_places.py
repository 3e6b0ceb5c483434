# SPDX-License-Identifier: Apache-2.0
"""Arguments are found by name however they are spelled, and cut out with one separator."""

from __future__ import annotations

import pytest

from gateway.errors import RequestRejected
from gateway.plugins.key_auth.places import MOST, Arguments, Place, Spans, cut

ARGUMENTS = Arguments(["apikey"])


@pytest.mark.parametrize(
    ("query", "left"),
    [
        (b"apikey=1", b""),
        (b"a=1&apikey=2&b=3", b"a=1&b=3"),
        (b"%61pi%6bey=2&b=3", b"b=3"),
        (b"apikey=1&apikey=2", b""),
        (b"apikey2=1&xapikey=2", b"apikey2=1&xapikey=2"),
    ],
)
def test_arguments_go_and_the_others_stay(query: bytes, left: bytes) -> None:
    assert ARGUMENTS.without(query) == left


def test_values_are_decoded_and_a_name_without_one_has_no_key() -> None:
    assert [place.keys for place in ARGUMENTS.places(b"apikey=a+%62&apikey")] == [(b"a b",), ()]


def test_too_many_places_are_refused() -> None:
    with pytest.raises(RequestRejected, match=str(MOST)):
        ARGUMENTS.places(b"&".join([b"apikey=1"] * (MOST + 1)))


def test_an_item_takes_the_separator_before_it_or_else_the_one_behind() -> None:
    spans = Spans(0)
    assert [spans.of(0, 1, True), spans.of(2, 3, True), spans.of(6, 7, False)] == [
        (0, 2),
        (2, 4),
        (5, 7),
    ]


def test_cutting_keeps_the_rest() -> None:
    assert cut("abcdef", [Place("n", (), 1, 2), Place("n", (), 4, 6)]) == "acd"
