# SPDX-License-Identifier: Apache-2.0
"""Roles are ordered, and owners limit what is changed."""

from __future__ import annotations

import pytest

from gateway.control_plane.access.identity import ROLES, AdminIdentity, with_lower


@pytest.mark.parametrize(("role", "has"), [(ROLES[n], set(ROLES[: n + 1])) for n in range(4)])
def test_a_role_has_the_rights_of_those_before_it(role: str, has: set[str]) -> None:
    assert with_lower([role]) == has
    assert with_lower(["read", role]) == has


def test_an_unknown_role_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(
        ValueError, match='unknown role "root"; allowed: read, write, publish, admin'
    ):
        with_lower(["read", "root"])
    assert with_lower([]) == frozenset()


def test_an_identity_changes_what_its_owners_have() -> None:
    anyone = AdminIdentity("ann", with_lower(["write"]))
    assert anyone.may_change(None)
    assert anyone.may_change("team-a")
    limited = AdminIdentity("ann", with_lower(["write"]), frozenset({"team-a"}))
    assert limited.may_change("team-a")
    assert not limited.may_change("team-b")
    assert not limited.may_change(None)
