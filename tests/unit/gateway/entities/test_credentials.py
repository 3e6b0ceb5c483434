# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.entities import validate_row
from gateway.entities.credentials import (
    hash_password,
    password_matches,
    show_secret,
    store_secret,
)
from gateway.errors import SchemaViolation
from gateway.settings.compatibility import version_of
from tests.support.tokens import private_key, public_pem


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


@pytest.mark.parametrize(("version", "algorithm"), [("3.10", "sha1"), ("3.14", "sha256")])
def test_the_compatibility_version_picks_the_hash_and_both_are_read(
    version: str, algorithm: str
) -> None:
    expected = hashlib.new(algorithm, b"p" + b"consumer-id").hexdigest()
    with version_of(version):
        row = {"password": "p", "consumer": "consumer-id"}
        store_secret("basicauth_credentials", row)
    assert row["password"] == expected
    assert password_matches("p", "consumer-id", expected)
    assert not password_matches("P", "consumer-id", expected)
    assert not password_matches("p", "consumer-ie", expected)
    show_secret("basicauth_credentials", row)
    assert row["password"] == f"{{{algorithm}}}{expected}"
    other = "3.10" if version == "3.14" else "3.14"
    with version_of(other):
        store_secret("basicauth_credentials", row)
    assert row["password"] == expected


def test_a_password_that_only_looks_like_a_marked_hash_is_hashed() -> None:
    row = {"password": "{sha1}not a hash", "consumer": "c"}
    store_secret("basicauth_credentials", row)
    assert password_matches("{sha1}not a hash", "c", row["password"])


@given(st.text(), st.text(), st.text(max_size=80))
@settings(max_examples=50)
def test_only_the_password_itself_matches(password: str, other: str, junk: str) -> None:
    stored = hash_password(password, "c")
    assert password_matches(password, "c", stored)
    assert password_matches(other, "c", stored) is (other == password)
    assert not password_matches(password, "c", junk)


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


@pytest.mark.parametrize(
    ("version", "stored"),
    [
        ("3.10", "5608ac412d476c19defbf33025737f4d1f44bf64"),
        ("3.14", "5db5075237c879a35dc988596aac6f2ecf391ad0f27227e70ab5d2b91ac89b66"),
    ],
)
def test_each_version_hashes_as_kong_does_and_reads_both(version: str, stored: str) -> None:
    consumer = "6d3f1f0e-0000-4000-8000-000000000001"
    with version_of(version):
        assert hash_password("kong", consumer) == stored
    assert password_matches("kong", consumer, stored)
    assert not password_matches("Kong", consumer, stored)


CONSUMER = "6d3f1f0e-0000-4000-8000-000000000001"


@pytest.mark.parametrize("algorithm", ["RS256", "PS512", "EdDSA"])
def test_a_public_key_is_one(algorithm: str) -> None:
    row = {"consumer": CONSUMER, "algorithm": algorithm}
    pair = private_key(algorithm).as_pem(private=True).decode()
    for key in (public_pem(algorithm), pair, "{vault://env/KEY}"):
        made = validate_row("jwt_secrets", {**row, "rsa_public_key": key})
        assert made["rsa_public_key"] == key
    for wrong in ("nonsense", public_pem(algorithm).replace("PUBLIC", "NO")):
        with pytest.raises(SchemaViolation) as caught:
            validate_row("jwt_secrets", {**row, "rsa_public_key": wrong})
        said = caught.value.fields["rsa_public_key"]
        assert said == "invalid key: expected a PEM public key"
    shared = {"consumer": CONSUMER, "rsa_public_key": "of no use"}
    assert validate_row("jwt_secrets", shared)["algorithm"] == "HS256"


@pytest.mark.parametrize(
    ("collection", "field", "more"),
    [
        ("jwt_secrets", "secret", {}),
        ("jwt_secrets", "secret", {"algorithm": "HS512"}),
        ("jwt_secrets", "rsa_public_key", {}),
        ("hmacauth_credentials", "secret", {"username": "u"}),
        ("oauth2_credentials", "client_secret", {"name": "a"}),
    ],
)
def test_no_secret_is_empty(collection: str, field: str, more: dict[str, str]) -> None:
    with pytest.raises(SchemaViolation) as caught:
        validate_row(collection, {"consumer": CONSUMER, field: "", **more})
    assert caught.value.fields == {field: "length must be at least 1"}
