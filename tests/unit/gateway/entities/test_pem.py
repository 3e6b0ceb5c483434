# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ssl
from hashlib import sha256

from gateway.entities.pem import check_certificate, check_key, check_pair, digest, is_authority
from tests.support.certificates import self_signed


def test_sound_texts_pass_and_others_say_what_is_expected() -> None:
    cert, key = self_signed()
    assert check_certificate(cert) == check_key(key) == check_pair(cert, key) == ""
    assert "PEM" in check_certificate("x")
    assert "PEM" in check_key(cert)
    assert check_pair("x", key) == "certificate or key cannot be read"


def test_certificates_of_authorities_are_recognised() -> None:
    assert is_authority(self_signed("ca", authority=True)[0])
    assert not is_authority(self_signed()[0])


def test_a_digest_is_that_of_the_der_bytes() -> None:
    cert = self_signed()[0]
    assert digest(cert) == sha256(ssl.PEM_cert_to_DER_cert(cert)).hexdigest()
