# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.control_plane.admin.bodies import checked
from gateway.control_plane.admin.tokens import TokenBody
from gateway.errors import SchemaViolation


def test_a_body_is_read_by_its_model_and_null_is_absent() -> None:
    body = checked(TokenBody, {"name": "ci", "expires_in": None})
    assert (body.name, body.roles, body.expires_in) == ("ci", ["read"], None)


def test_all_problems_come_at_once_with_the_nearest_spelling() -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked(TokenBody, {"name": 1, "owner": ["a"]})
    assert set(caught.value.fields) == {"name", "owner"}
    assert 'did you mean "owners"' in str(caught.value.problems)
