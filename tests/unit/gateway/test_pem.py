# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import ssl
from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.pem import add_authorities, load_chain, read_pem, trust, verifying
from tests.support import authority as relaxed
from tests.support.broker import Authority
from tests.support.handshake import shake_hands


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.make()


def test_a_path_a_text_and_base64_give_the_same(tmp_path: Path, authority: Authority) -> None:
    text = authority.certificate
    file = tmp_path / "ca.crt"
    file.write_text(text)
    assert read_pem(str(file), "X") == text
    assert read_pem(text, "X") == text
    assert read_pem(base64.b64encode(text.encode()).decode(), "X") == text


def test_what_cannot_be_read_names_setting_path_and_reason() -> None:
    with pytest.raises(SettingsError, match=r"KONG_A: cannot read /no/such: No such file"):
        read_pem("/no/such", "KONG_A")


def test_a_long_text_that_is_no_pem_is_not_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        read_pem("secret" * 100, "KONG_A")
    assert "secret" not in str(caught.value)


def test_chains_are_loaded_without_leaving_a_file(authority: Authority) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_chain(context, *authority.leaf())


def test_trust_takes_texts_and_the_system(authority: Authority) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust(context, ["system", authority.certificate], "X")
    subjects = [item["subject"] for item in context.get_ca_certs()]
    assert ((("commonName", "tests"),),) in subjects


def test_an_authority_without_key_usage_and_key_identifiers_is_trusted_by_every_python(
    tmp_path: Path,
) -> None:
    company = relaxed.Authority("company")
    pair = company.issue("kafka.test", server=True)
    (tmp_path / "ca.crt").write_text(company.pem)
    shake_hands(verifying(cadata=company.pem), *pair, "kafka.test")
    shake_hands(verifying(cafile=str(tmp_path / "ca.crt")), *pair, "kafka.test")


def test_what_another_authority_signed_or_for_another_name_is_refused() -> None:
    company = relaxed.Authority("company")
    pair = company.issue("kafka.test", server=True)
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        shake_hands(verifying(cadata=relaxed.Authority("another").pem), *pair, "kafka.test")
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(verifying(cadata=company.pem), *pair, "other.test")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(verifying(), *pair, "kafka.test")


def test_what_stands_around_certificates_may_be_any_text(authority: Authority) -> None:
    bundle = f"# NetLock Arany Főtanúsítvány\n{authority.certificate}\n# 証明書\n"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust(context, [bundle], "X")
    assert len(context.get_ca_certs()) == 1
    assert len(verifying(cadata=bundle).get_ca_certs()) == 1
    with pytest.raises(ssl.SSLError):
        add_authorities(context, "Főtanúsítvány")
