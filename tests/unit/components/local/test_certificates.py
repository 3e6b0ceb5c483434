# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from components.local.certificates import LocalCertificates
from tests.support.cloud import of
from tests.support.local import answer
from tests.support.registrations import register


def test_one_authority_signs_a_certificate_for_each_process() -> None:
    made = of(
        register(lambda: LocalCertificates("certificates"), answer),
        "gateway:index:ClusterCertificate",
    )
    kinds = {name.removeprefix("certificates-"): one.inputs["kind"] for name, one in made.items()}
    assert kinds == {
        "authority": "ca",
        "broker": "server",
        "control-plane": "server",
        "data-plane": "client",
    }
    for name, one in made.items():
        assert one.inputs["earlyRenewalHours"] < one.inputs["validityHours"]
        assert one.depends_on("certificates-authority") == (name != "certificates-authority")


def test_servers_are_known_by_name_and_by_the_loopback_address() -> None:
    made = of(
        register(lambda: LocalCertificates("certificates"), answer),
        "gateway:index:ClusterCertificate",
    )
    broker = made["certificates-broker"].inputs
    assert (broker["dnsNames"], broker["ipAddresses"]) == (["localhost"], ["127.0.0.1"])
