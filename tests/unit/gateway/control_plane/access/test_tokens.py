# SPDX-License-Identifier: Apache-2.0
"""Tokens are made, revoked, and found again after a restart."""

from __future__ import annotations

import pytest

from gateway.control_plane.access.tokens import PREFIX, TokenStore, digest_of, is_name
from gateway.errors import NotFound, UniqueViolation
from tests.support.storage import Storage


@pytest.fixture
def tokens(storage: Storage) -> TokenStore:
    return TokenStore(storage.store())


def test_a_token_has_256_random_bits_and_is_kept_as_its_digest(tokens: TokenStore) -> None:
    made, text = tokens.create("ci", ["write"], ["team-a"], "ann", None)
    _, other = tokens.create("cd", ["write"], [], "ann", None)
    assert text.startswith(PREFIX)
    assert len(text.removeprefix(PREFIX)) == 43
    assert text != other
    assert made.digest == digest_of(text.encode())
    assert made in tokens.all()
    assert made.identity.owners == {"team-a"}
    assert made.identity.roles == {"read", "write"}


@pytest.mark.parametrize("key", ["a\0b", "", "a b", "x" * 101, "\ud800"])
def test_a_key_that_no_token_can_have_is_not_found(tokens: TokenStore, key: str) -> None:
    with pytest.raises(NotFound, match="no token"):
        tokens.revoke(key)


def test_an_active_name_is_taken_and_a_revoked_one_free(tokens: TokenStore) -> None:
    first, _ = tokens.create("ci", ["read"], [], "ann", None)
    with pytest.raises(UniqueViolation, match="revoke that token first"):
        tokens.create("ci", ["read"], [], "ann", None)
    assert tokens.revoke("ci").id == first.id
    second, _ = tokens.create("ci", ["read"], [], "ann", None)
    assert [one.state for one in tokens.all() if one.id == first.id] == ["revoked"]
    assert tokens.revoke("ci").id == second.id, "of a name the active one"
    tokens.create("old", ["read"], [], "ann", expires_at=1)
    tokens.create("old", ["read"], [], "ann", None)


def test_revoking_again_changes_nothing_and_what_is_not_there_is_not_found(
    tokens: TokenStore,
) -> None:
    made, _ = tokens.create("ci", ["read"], [], "ann", None)
    assert tokens.revoke(made.id) == tokens.revoke(made.id)
    with pytest.raises(NotFound, match='no token "cd"'):
        tokens.revoke("cd")


def test_the_last_use_is_kept(tokens: TokenStore) -> None:
    made, _ = tokens.create("ci", ["read"], [], "ann", None)
    tokens.note_used({made.id: 1_700_000_000, "gone": 1})
    assert tokens.all()[0].last_used == 1_700_000_000


@pytest.mark.parametrize("name", ["ci", "ann@example.com", "a" * 100, "7", "a.b_c-d"])
def test_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize("name", ["", " ", "admin token", "-a", "a" * 101, "a\n", "ä", "a:b"])
def test_no_names(name: str) -> None:
    assert not is_name(name)


def test_tokens_that_ended_long_ago_are_removed(tokens: TokenStore) -> None:
    names = ("a", "b", "c", "d")
    made = [tokens.create(name, ["read"], [], "ann", expires_at=100)[0] for name in names[:2]]
    made += [tokens.create("c", ["read"], [], "ann", None)[0]]
    made += [tokens.create("d", ["read"], [], "ann", expires_at=100)[0]]
    assert tokens.remove_ended(99) == []
    assert tokens.remove_ended(100) == [*made[:2], made[3]]
    assert [one.name for one in tokens.all()] == ["c"]


def test_of_tokens_that_all_ended_the_newest_keeps_the_api_closed(tokens: TokenStore) -> None:
    for name in ("a", "b"):
        tokens.create(name, ["read"], [], "ann", expires_at=100)
    assert [one.name for one in tokens.remove_ended(2**40)] == ["a"]
    assert tokens.remove_ended(2**40) == []
    assert [one.name for one in tokens.all()] == ["b"]
