# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.entities import validate_row
from gateway.errors import SchemaViolation

PEM = {"private_key": "{vault://env/KEY}"}


def test_a_key_has_exactly_one_form() -> None:
    assert validate_row("keys", {"kid": "1", "pem": PEM})["pem"]["public_key"] is None
    for forms in ({}, {"jwk": "{}", "pem": PEM}):
        with pytest.raises(SchemaViolation, match="'jwk', 'pem'"):
            validate_row("keys", {"kid": "1", **forms})


@pytest.mark.parametrize("prefix", ["UPPER", "1a", "a-", "a"])
def test_the_prefix_of_a_vault_is_a_lower_case_word(prefix: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        validate_row("vaults", {"prefix": prefix, "name": "env"})
    assert caught.value.fields == {"prefix": "expected lower-case letters, digits and hyphens"}
