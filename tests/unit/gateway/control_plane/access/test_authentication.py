# SPDX-License-Identifier: Apache-2.0
"""Who has sent a token, and until when it is valid."""

from __future__ import annotations

import time
from dataclasses import replace

from gateway.control_plane.access.authentication import CONFIGURED, Authentication
from gateway.control_plane.access.identity import ROLES
from gateway.control_plane.access.sent_token import SentToken
from gateway.control_plane.access.tokens import AdminToken, digest_of


def token(name: str = "ci", role: str = "write", expires_at: int | None = None) -> AdminToken:
    """Return what is known of the token ``kgw_<name>``."""
    digest = digest_of(f"kgw_{name}".encode())
    return AdminToken(f"id-{name}", name, digest, (role,), (), "test", 1, expires_at)


async def test_the_token_of_the_settings_may_do_everything() -> None:
    found = Authentication("schlüssel")
    # Headers come as bytes, forms as texts.
    for given in ("schlüssel", "schlüssel".encode()):
        identity = found.authenticate(given)
        assert identity is not None
        assert identity.name == CONFIGURED
        assert identity.roles == set(ROLES)
    assert found.authenticate("schlüssel".encode("latin-1")) is None
    assert found.authenticate("") is None


async def test_a_token_of_the_database_has_its_roles_until_it_is_revoked() -> None:
    found = Authentication("configured")
    found.take([token()])
    identity = found.authenticate("kgw_ci")
    assert identity is not None
    assert identity.roles == {"read", "write"}
    assert found.is_valid(identity)
    found.note(replace(token(), revoked_at=2))
    assert found.authenticate("kgw_ci") is None
    assert not found.is_valid(identity)


async def test_an_expired_token_is_none() -> None:
    found = Authentication("configured")
    found.take([token(expires_at=int(time.time()))])
    assert found.authenticate("kgw_ci") is None


async def test_with_basic_the_user_is_the_name_of_the_token() -> None:
    found = Authentication("configured")
    found.take([token()])
    assert found.identify(SentToken(b"kgw_ci", "ci")) is not None
    assert found.identify(SentToken(b"kgw_ci")) is not None
    assert found.identify(SentToken(b"kgw_ci", "ann")) is None
    assert found.identify(None) is None


async def test_the_api_stays_closed_when_the_last_token_ends() -> None:
    found = Authentication()
    before = found.required, found.is_valid(found.anybody())
    found.note(replace(token(), revoked_at=2))
    after = found.required, found.is_valid(found.anybody())
    assert (before, after) == ((False, True), (True, False))


async def test_who_came_with_a_token_is_valid_until_it_is_revoked_replaced_or_expires() -> None:
    found = Authentication("configured")
    found.take([token("a"), token("b"), token("c", expires_at=int(time.time()) + 600)])
    names = ("kgw_a", "kgw_b", "kgw_c", "configured")
    identities = [one for one in map(found.authenticate, names) if one is not None]
    assert [found.is_valid(one) for one in identities] == [True] * 4
    found.note(replace(token("a"), revoked_at=2))
    found.note(token("c", expires_at=int(time.time())))
    found.replace("renewed")
    assert [found.is_valid(one) for one in identities] == [False, True, False, False]


async def test_the_last_use_is_handed_over_once() -> None:
    found = Authentication()
    found.take([token()])
    assert found.take_used() == {}
    found.authenticate("kgw_ci")
    used = found.take_used()
    assert abs(used["id-ci"] - time.time()) < 60
    assert found.take_used() == {}
    assert found.last_used(found.tokens[0]) == used["id-ci"]
