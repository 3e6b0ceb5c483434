# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from provider.values import UNKNOWN, Properties
from tests.support.fake_konnect import FakeKonnect
from tests.support.provider import Harness

TOKEN = "gateway:konnect:DataPlaneCertificate"


def certificate(konnect: FakeKonnect, pem: str = "PEM 1") -> Properties:
    api = {"url": konnect.url, "token": konnect.token}
    return {"api": api, "controlPlaneId": "cp", "certificatePem": pem}


def test_a_certificate_is_registered_once(konnect: FakeKonnect) -> None:
    first, again = Harness(TOKEN), Harness(TOKEN)
    first.create(certificate(konnect))
    assert again.create(certificate(konnect))["certificateId"] == first.outputs["certificateId"]
    assert len(konnect.certificates) == 1
    assert first.diff() == {}


def test_a_renewed_certificate_is_registered_before_the_old_one_goes(
    konnect: FakeKonnect,
) -> None:
    harness = Harness(TOKEN)
    harness.create(certificate(konnect))
    answer = harness.diff_response(harness.check(certificate(konnect, "PEM 2")))
    assert list(answer.replaces) == ["certificatePem"]
    assert not answer.deleteBeforeReplace


def test_a_registration_that_is_gone_is_made_again(konnect: FakeKonnect) -> None:
    harness = Harness(TOKEN)
    harness.create(certificate(konnect))
    konnect.certificates.clear()
    assert harness.diff() == {"certificatePem": "ADD"}
    assert harness.read()[0] == ""
    harness.update(certificate(konnect))
    assert harness.diff() == {}
    harness.delete()
    harness.delete()


def test_unknown_values_are_accepted_at_preview(konnect: FakeKonnect) -> None:
    unknown = {**certificate(konnect), "controlPlaneId": UNKNOWN, "certificatePem": UNKNOWN}
    assert Harness(TOKEN).create(unknown, preview=True)["certificateId"] == UNKNOWN
