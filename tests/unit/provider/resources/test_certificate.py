# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

import provider.resources.certificate as module
from provider.certificates import load_issuer
from provider.values import UNKNOWN, Properties
from tests.support.provider import Harness

TOKEN = "gateway:index:ClusterCertificate"
AUTHORITY: Properties = {"kind": "ca", "commonName": "ours", "validityHours": 87_600}


def authority() -> Harness:
    harness = Harness(TOKEN, "authority")
    harness.create(AUTHORITY)
    return harness


def signer(harness: Harness) -> Properties:
    return {name: harness.outputs[name] for name in ("certificatePem", "privateKeyPem")}


def leaf(of: Harness, **more: object) -> Properties:
    names = {"dnsNames": ["localhost"], "ipAddresses": ["127.0.0.1"]}
    return {"kind": "server", "commonName": "localhost", "ca": signer(of), **names, **more}


def verified(certificate: str, by: str) -> None:
    store = Store([x509.load_pem_x509_certificate(by.encode())])
    verifier = PolicyBuilder().store(store).build_server_verifier(x509.DNSName("localhost"))
    verifier.verify(x509.load_pem_x509_certificate(certificate.encode()), [])


def test_a_server_certificate_is_verified_by_its_authority(tmp_path: Path) -> None:
    ours, server = authority(), Harness(TOKEN)
    made = server.create(leaf(ours))
    verified(made["certificatePem"], ours.outputs["certificatePem"])
    assert "BEGIN PRIVATE KEY" in made["privateKeyPem"]
    assert server.secrets == {("privateKeyPem",), ("ca", "privateKeyPem")}
    (tmp_path / "both.pem").write_text(made["certificatePem"] + made["privateKeyPem"])
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tmp_path / "both.pem")


@pytest.mark.parametrize("algorithm", ["ecdsa-p256", "ecdsa-p384", "rsa-2048"])
def test_each_algorithm_signs(algorithm: str) -> None:
    made = Harness(TOKEN).create({**AUTHORITY, "algorithm": algorithm})
    load_issuer(made["certificatePem"], made["privateKeyPem"])


def test_nothing_changes_until_the_renewal_window(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, server = authority(), Harness(TOKEN)
    server.create(leaf(ours, validityHours=100, earlyRenewalHours=10))
    assert server.diff() == {}
    later = datetime.now(UTC) + timedelta(hours=91)
    monkeypatch.setattr(module, "utc_now", lambda: later)
    assert server.diff() == {"notAfter": "UPDATE"}
    before = server.outputs["fingerprint"]
    server.update(leaf(ours, validityHours=100, earlyRenewalHours=10))
    assert server.outputs["fingerprint"] != before
    assert server.diff() == {}


def test_a_renewed_authority_keeps_subject_and_key_and_renews_its_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, server = authority(), Harness(TOKEN)
    server.create(leaf(ours))
    old = ours.outputs["certificatePem"]
    later = datetime.now(UTC) + timedelta(hours=87_590)
    monkeypatch.setattr(module, "utc_now", lambda: later)
    ours.update(AUTHORITY)
    monkeypatch.undo()
    renewed = ours.outputs["certificatePem"]
    assert renewed != old
    names = [x509.load_pem_x509_certificate(pem.encode()).subject for pem in (old, renewed)]
    assert names[0] == names[1]
    assert server.diff(server.check(leaf(ours))) == {"ca.certificatePem": "UPDATE"}


def test_a_leaf_does_not_outlive_its_authority_nor_renew_for_nothing() -> None:
    ours, server = Harness(TOKEN, "authority"), Harness(TOKEN)
    ours.create({**AUTHORITY, "validityHours": 20, "earlyRenewalHours": 1})
    server.create(leaf(ours, validityHours=1000, earlyRenewalHours=100))
    assert server.outputs["notAfter"] == ours.outputs["notAfter"]
    assert server.diff() == {}


def test_only_the_renewal_window_is_edited_without_a_new_certificate() -> None:
    ours = authority()
    before = ours.outputs["fingerprint"]
    news = {**AUTHORITY, "earlyRenewalHours": 5}
    assert ours.diff(ours.check(news)) == {"earlyRenewalHours": "UPDATE"}
    ours.update(news)
    assert ours.outputs["fingerprint"] == before


def test_names_are_updated_in_place_and_another_kind_is_another_certificate() -> None:
    ours, server = authority(), Harness(TOKEN)
    server.create(leaf(ours))
    assert server.diff(server.check(leaf(ours, dnsNames=["other"]))) == {"dnsNames[0]": "UPDATE"}
    assert server.diff(server.check(leaf(ours, kind="client")))["kind"] == "UPDATE_REPLACE"


def test_a_preview_with_an_authority_that_is_not_made_yet() -> None:
    unknown = {"certificatePem": UNKNOWN, "privateKeyPem": UNKNOWN}
    made = Harness(TOKEN).create(
        {"kind": "client", "commonName": "data-plane", "ca": unknown}, preview=True
    )
    assert made["certificatePem"] == UNKNOWN


def test_what_contradicts_itself_is_refused() -> None:
    ours, server = authority(), Harness(TOKEN)
    assert server.failures({"kind": "server", "commonName": "x"}) == {
        "ca": "is required for kind server: who signs it",
        "dnsNames": "a server needs a DNS name or an IP address",
    }
    assert "ca" in server.failures({**AUTHORITY, "ca": signer(ours)})
    wrong = leaf(ours, ipAddresses=["1.2.3"], earlyRenewalHours=9, validityHours=9)
    assert set(server.failures(wrong)) == {"ipAddresses[0]", "earlyRenewalHours"}
