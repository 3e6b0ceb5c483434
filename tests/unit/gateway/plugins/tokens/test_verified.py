# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.plugins.consumers import Identity
from gateway.plugins.tokens.verified import Verified, VerifiedTokens

ANN = Identity({"id": "ann"}, {"id": "1"}, [])


def test_a_token_is_known_from_its_beginning_to_its_end() -> None:
    tokens = VerifiedTokens()
    tokens.put(b"a", Verified(ANN, 10, 20))
    found = {now: tokens.find(b"a", now) for now in (9.9, 10.0, 19.9, 20.0)}
    assert found == {9.9: None, 10.0: ANN, 19.9: ANN, 20.0: None}


def test_no_other_token_is() -> None:
    tokens = VerifiedTokens()
    tokens.put(b"a.b.c", Verified(ANN))
    assert [tokens.find(other, 0) for other in (b"a.b", b"a.b.c=", b"A.b.c", b"")] == [None] * 4


def test_they_are_bounded_and_the_oldest_go() -> None:
    tokens = VerifiedTokens(most=3)
    for number in (0, 1, 2, 0, 3):
        tokens.put(b"%d" % number, Verified(ANN))
    assert [tokens.find(b"%d" % number, 0) is ANN for number in range(4)] == [1, 0, 1, 1]


def test_what_they_take_together_is_bounded() -> None:
    tokens = VerifiedTokens(most_bytes=1000)
    for number in range(50):
        tokens.put(b"%99d" % number, Verified(ANN))
        tokens.put(b"%99d" % number, Verified(ANN))
    assert len(tokens) == 10
    tokens.clear()
    tokens.put(b"x" * 1000, Verified(ANN))
    assert len(tokens) == 1


def test_very_long_ones_are_not_kept() -> None:
    tokens = VerifiedTokens()
    tokens.put(b"x" * 10_000, Verified(ANN))
    assert len(tokens) == 0


def test_all_can_be_forgotten() -> None:
    tokens = VerifiedTokens()
    tokens.put(b"a", Verified(ANN))
    tokens.clear()
    assert tokens.find(b"a", 0) is None
