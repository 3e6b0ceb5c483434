# SPDX-License-Identifier: Apache-2.0
"""Which claims hold: by the records alone, in the order of the log."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.http.messages import Response
from gateway.plugins.idempotency.answers import pack, unpack
from gateway.plugins.idempotency.claims import (
    Claims,
    answer_record,
    claim_of,
    claim_record,
    release_record,
    shortened,
)

KEY, MARK = b"key", bytes(32)
A, B, C = "a" * 32, "b" * 32, "c" * 32


def said(token: str, after: str = "", **more: Any) -> dict[str, Any]:
    found = claim_of(claim_record(token, after, MARK.hex(), "id-" + token, exact=True))
    assert found is not None
    return found | more


def released(token: str) -> dict[str, Any]:
    found = claim_of(release_record(token))
    assert found is not None
    return found


def answered(claims: Claims, token: str, content: bytes = b"done") -> None:
    claims.answer(2, answer_record(token, MARK + content))


def test_of_two_that_follow_the_same_the_first_holds() -> None:
    claims = Claims(60, 1000)
    assert claims.claim(KEY, 1, said(A))
    assert not claims.claim(KEY, 2, said(B))
    assert claims.claim(KEY, 3, said(B, A))
    assert not claims.claim(KEY, 4, said(C, A))
    held = claims.held(KEY, 5)
    assert held is not None
    assert (held.token, held.identity, held.at) == (B, "id-" + B, 3)


def test_an_answer_may_be_that_of_a_claim_before() -> None:
    claims = Claims(60, 1000)
    claims.claim(KEY, 1, said(A))
    answered(claims, A)
    claims.claim(KEY, 3, said(B, A))
    held = claims.held(KEY, 4)
    assert held is not None
    assert claims.answer_to(held) == MARK + b"done"


def test_an_answer_may_be_read_before_its_claim() -> None:
    claims = Claims(60, 1000)
    answered(claims, A)
    claims.claim(KEY, 3, said(A))
    held = claims.held(KEY, 4)
    assert held is not None
    assert claims.answer_to(held) == MARK + b"done"


def test_a_release_is_that_of_its_own_claim() -> None:
    claims = Claims(60, 1000)
    claims.claim(KEY, 1, said(A))
    assert not claims.claim(KEY, 2, released(B))
    assert claims.claim(KEY, 2, released(A))
    held = claims.held(KEY, 3)
    assert held is not None
    assert held.released
    assert not claims.claim(KEY, 4, said(B)), "it does not say what it follows"
    assert claims.claim(KEY, 4, said(B, A))


def test_a_claim_is_over_after_the_window_by_the_records_own_times() -> None:
    claims = Claims(60, 1000)
    claims.claim(KEY, 1, said(A))
    assert claims.held(KEY, 60.9) is not None
    assert claims.held(KEY, 61) is None
    assert not claims.claim(KEY, 60.9, said(B))
    assert claims.claim(KEY, 61, said(B))


def test_the_oldest_answers_are_shortened_when_there_is_no_room() -> None:
    claims = Claims(60, 400)
    for token in (A, B, C):
        claims.claim(token.encode(), 1, said(token))
        packed = pack(MARK, Response(200, [], bytes(150)), whole=True)
        claims.answer(2, answer_record(token, packed))
    kept = []
    for token in (A, B, C):
        held = claims.held(token.encode(), 3)
        assert held is not None
        answer = claims.answer_to(held)
        assert answer is not None
        found = unpack(answer)
        assert found is not None
        assert found.mark == MARK
        kept.append(found.response is not None)
    assert kept == [False, False, True] or kept == [False, True, True]
    short = unpack(shortened(MARK + b"\0\0\0\0"))
    assert short is not None
    assert short.response is None


def test_the_oldest_keys_go_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.plugins.idempotency.claims.MOST_KEYS", 2)
    claims = Claims(60, 1000)
    for key, token in ((b"1", A), (b"2", B), (b"3", C)):
        claims.claim(key, 1, said(token))
    assert [claims.held(key, 2) is not None for key in (b"1", b"2", b"3")] == [False, True, True]


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["claim", "release"]),
            st.sampled_from([A, B, C]),
            st.sampled_from(["", A, B, C]),
            st.integers(0, 200),
        ),
        max_size=20,
    )
)
def test_whoever_reads_the_same_records_agrees(
    steps: list[tuple[str, str, str, int]],
) -> None:
    one, other = Claims(60, 1000), Claims(60, 1000)
    at = 0.0
    for kind, token, after, later in steps:
        at += later / 10
        record = said(token, after) if kind == "claim" else released(token)
        assert one.claim(KEY, at, record) == other.claim(KEY, at, record)
    assert one.held(KEY, at) == other.held(KEY, at)


SOUND = orjson.loads(claim_record(A, "", "mark", "identity", exact=True))


@pytest.mark.parametrize("name", SOUND)
@pytest.mark.parametrize("value", [None, 1, [], {}, "", True])
def test_a_record_with_a_field_of_another_kind_is_no_claim(name: str, value: Any) -> None:
    assert claim_of(orjson.dumps(SOUND)) == SOUND
    missing = {other: SOUND[other] for other in SOUND if other != name}
    assert claim_of(orjson.dumps(missing)) is None
    other = {**SOUND, name: value}
    same = type(value) is type(SOUND[name])
    assert claim_of(orjson.dumps(other)) == (other if same else None)
    assert (claim_of(orjson.dumps({"release": value})) is None) == (value != "")


@settings(max_examples=50)
@given(st.binary(max_size=60))
def test_any_value_is_read_or_passed_over(value: bytes) -> None:
    claims = Claims(60, 1000)
    claim_of(value)
    claims.answer(1, value)
