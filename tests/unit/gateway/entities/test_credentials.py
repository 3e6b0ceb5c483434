# SPDX-License-Identifier: Apache-2.0
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib

from gateway.entities import validate_row
from gateway.entities.credentials import hash_password, show_secret, store_secret


def test_a_password_is_stored_as_kong_stores_it() -> None:
    expected = hashlib.sha1(b"p" + b"consumer-id").hexdigest()
    assert hash_password("p", "consumer-id") == expected
    row = {"password": "p", "consumer": "consumer-id"}
    store_secret("basicauth_credentials", row)
    assert row["password"] == expected


def test_a_stored_password_shown_in_a_document_is_not_hashed_again() -> None:
    row = {"password": "p", "consumer": "consumer-id"}
    store_secret("basicauth_credentials", row)
    stored = dict(row)
    show_secret("basicauth_credentials", row)
    assert row["password"].startswith("{sha1}")
    store_secret("basicauth_credentials", row)
    assert row == stored


def test_a_vault_reference_is_not_hashed() -> None:
    row = {"password": "{vault://env/P}", "consumer": "c"}
    store_secret("basicauth_credentials", row)
    show_secret("basicauth_credentials", row)
    assert row["password"] == "{vault://env/P}"


def test_other_collections_keep_their_secrets() -> None:
    row = {"password": "p", "consumer": "c"}
    store_secret("keyauth_credentials", row)
    assert row["password"] == "p"


CONSUMER = "11111111-2222-3333-4444-555555555555"


def test_a_credential_without_key_gets_a_random_one() -> None:
    first, second = (validate_row("keyauth_credentials", {"consumer": CONSUMER}) for _ in range(2))
    assert len(first["key"]) == 32
    assert first["key"] != second["key"]
