# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from components.cloud.stack import make_listener_certificate
from tests.support.cloud import of, stand_up_part

ZONE = "Z0123456789ABC"


def test_a_certificate_is_asked_for_and_proved_in_the_names_zone() -> None:
    made = stand_up_part(
        make_listener_certificate, "dev", hostname="api.example.com", certificateZone=ZONE
    )
    (asked,) = of(made, "aws:acm/certificate:Certificate").values()
    assert asked.inputs["domainName"] == "api.example.com"
    assert asked.inputs["validationMethod"] == "DNS"
    (proof,) = of(made, "aws:route53/record:Record").values()
    assert (proof.inputs["zoneId"], proof.inputs["name"]) == (ZONE, "_1.api.example.com.")
    assert proof.inputs["records"] == ["_2.acm-validations.aws."]
    (valid,) = of(made, "aws:acm/certificateValidation:CertificateValidation").values()
    assert valid.depends_on(proof.name)
    (provider,) = of(made, "pulumi:providers:aws").values()
    assert provider.inputs["region"] == "us-east-2"


def test_without_a_zone_nothing_is_asked_for() -> None:
    assert not stand_up_part(make_listener_certificate, "dev")
