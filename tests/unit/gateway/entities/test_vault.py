# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.documents.diff import diff_documents
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


def test_the_settings_of_a_vault_are_those_of_its_kind() -> None:
    row = validate_row("vaults", {"prefix": "my-env", "name": "env", "config": {"prefix": "P_"}})
    assert row["config"] == {"base64_decode": False, "prefix": "P_"}
    other = validate_row(
        "vaults", {"prefix": "cloud", "name": "gcp", "config": {"project_id": "p"}}
    )
    assert other["config"] == {"project_id": "p"}, "another kind may stand in a file"


def test_a_vault_without_settings_equals_its_live_form() -> None:
    short = {"vaults": {"my-file": {"name": "file"}}}
    long = {"vaults": {"my-file": {"name": "file", "config": {"root": "/run/secrets"}}}}
    assert diff_documents(short, long) == {}
