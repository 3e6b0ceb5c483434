# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ssl
from hashlib import sha256

import pytest

from gateway.entities import validate_row
from gateway.errors import SchemaViolation
from tests.support.certificates import self_signed


def test_certificates_may_be_vault_references() -> None:
    row = validate_row(
        "certificates", {"cert": "{vault://env/CERT}", "key": "{vault://env/CERT_KEY}"}
    )
    assert row["cert"] == "{vault://env/CERT}"


def test_the_alternative_certificate_needs_its_key() -> None:
    cert, key = self_signed()
    with pytest.raises(SchemaViolation, match="'cert_alt', 'key_alt'"):
        validate_row("certificates", {"cert": cert, "key": key, "cert_alt": cert})


def test_an_authoritys_digest_is_worked_out_and_others_are_refused() -> None:
    cert, _ = self_signed(authority=True)
    row = validate_row("ca_certificates", {"cert": cert})
    assert row["cert_digest"] == sha256(ssl.PEM_cert_to_DER_cert(cert)).hexdigest()
    with pytest.raises(SchemaViolation) as caught:
        validate_row("ca_certificates", {"cert": self_signed()[0]})
    assert "not the certificate of an authority" in caught.value.fields["cert"]
