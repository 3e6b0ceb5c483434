# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pulumi

from components.config.secret import Secret, secret
from tests.support.registrations import register


def test_a_secret_shows_itself_in_no_text() -> None:
    held = Secret("planted")
    assert "planted" not in f"{held!r} {held!s} {[held]}"
    assert (bool(held), bool(Secret(""))) == (True, False)


def test_what_is_marked_goes_out_as_a_secret_whatever_it_was() -> None:
    def make() -> None:
        properties = {"held": Secret("a").output(), "marked": secret("b"), "plain": "c"}
        pulumi.CustomResource("test:index:Thing", "thing", properties)

    (thing,) = register(make)
    found = {key: thing.is_secret(key) for key in json.loads(thing.raw)}
    assert found == {"held": True, "marked": True, "plain": False}
