# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from components.cloud.stack import make_certificates
from policies.rules import PlannedResource, certificate_lifetimes
from tests.support.authority import Authority, Pair
from tests.support.cloud import bare, given_cluster, of, stand_up, stand_up_part
from tests.support.registrations import Registration

SECRET = "kubernetes:core/v1:Secret"
CERTIFICATE = "gateway:index:ClusterCertificate"


def certificates(stack: str, **changes: Any) -> list[Registration]:
    return stand_up_part(
        lambda config: make_certificates(config, given_cluster()), stack, **changes
    )


@pytest.fixture(scope="module")
def dev() -> list[Registration]:
    return certificates("dev")


@pytest.fixture(scope="module")
def konnect() -> list[Registration]:
    return certificates("konnect")


def test_the_secrets_have_the_names_and_keys_of_those_made_by_hand(
    konnect: list[Registration],
) -> None:
    secrets = of(konnect, SECRET)
    tls = secrets["certificates-data-plane-secret"]
    assert tls.inputs["metadata"] == {"name": "kong-cluster-cert", "namespace": "kong-dp"}
    assert tls.inputs["type"] == "kubernetes.io/tls"
    assert set(bare(tls.inputs["stringData"])) == {"tls.crt", "tls.key"}
    authority = secrets["certificates-authority-secret"]
    assert authority.inputs["metadata"]["name"] == "kong-cluster-ca"
    assert set(bare(authority.inputs["stringData"])) == {"ca.crt"}


def test_what_a_secret_holds_goes_out_as_a_secret(dev: list[Registration]) -> None:
    for secret in of(dev, SECRET).values():
        assert secret.is_secret("stringData"), secret.name
        assert secret.depends_on("certificates-namespace")
        assert secret.deleted_with.endswith("::cluster")


def test_an_authority_signs_one_certificate_for_each_side(dev: list[Registration]) -> None:
    made = of(dev, CERTIFICATE)
    assert made["certificates-authority"].inputs["kind"] == "ca"
    server = made["certificates-control-plane"].inputs
    assert server["kind"] == "server"
    assert server["dnsNames"][0] == "kong-cp-kong-cluster.kong-dp.svc"
    assert made["certificates-data-plane"].inputs["kind"] == "client"


EXISTING: dict[str, Any] = {
    "controlPlane": "existing",
    "adminUrl": "https://admin.example.com",
    "adminToken": "hush",
    "clusterControlPlane": "cp.example.com:8005",
}


def test_an_existing_control_plane_is_verified_with_its_own_authority() -> None:
    theirs = Authority("theirs").pem
    found = certificates("dev", **EXISTING, clusterCaPem=theirs)
    # What data planes present is still made here; the control plane must trust that authority.
    assert set(of(found, CERTIFICATE)) == {"certificates-authority", "certificates-data-plane"}
    secrets = of(found, SECRET)
    assert bare(secrets["certificates-authority-secret"].inputs["stringData"]) == {"ca.crt": theirs}
    tls = bare(secrets["certificates-data-plane-secret"].inputs["stringData"])
    assert bare(tls["tls.crt"]) == "CERTIFICATE"


def test_an_existing_control_plane_may_bring_the_data_planes_certificate_too() -> None:
    theirs = Authority("theirs")
    pair, renewed = theirs.issue("data plane"), theirs.issue("data plane")

    def registered(pair: Pair) -> list[Registration]:
        return stand_up(
            "dev",
            **EXISTING,
            clusterCaPem=theirs.pem,
            clusterCertificatePem=pair.certificate,
            clusterPrivateKeyPem=pair.key,
        )

    found = registered(pair)
    assert of(found, CERTIFICATE) == {}
    tls = of(found, SECRET)["certificates-data-plane-secret"]
    assert bare(tls.inputs["stringData"]) == {
        "tls.crt": pair.certificate,
        "tls.key": pair.key,
    }
    assert tls.is_secret("stringData")

    def told(found: list[Registration]) -> str:
        release = of(found, "kubernetes:helm.sh/v3:Release")["data-plane"]
        annotations = release.inputs["values"]["podAnnotations"]
        return str(annotations["kafka-gateway/cluster-certificate"])

    assert told(found) != told(registered(renewed)), "pods must follow a renewed certificate"
    assert told(found) == told(registered(pair))


def test_konnect_needs_no_certificate_of_a_control_plane(konnect: list[Registration]) -> None:
    assert set(of(konnect, CERTIFICATE)) == {"certificates-authority", "certificates-data-plane"}


def test_lifetimes_are_those_that_the_policies_allow(dev: list[Registration]) -> None:
    for one in of(dev, CERTIFICATE).values():
        resource = PlannedResource(one.type, one.name, "dev", one.inputs)
        assert list(certificate_lifetimes(resource, date(2026, 11, 23))) == []


def test_pods_of_ours_must_meet_the_restricted_standard(
    dev: list[Registration], konnect: list[Registration]
) -> None:
    label = "pod-security.kubernetes.io/enforce"
    for found, standard in ((dev, "restricted"), (konnect, "baseline")):
        (namespace,) = of(found, "kubernetes:core/v1:Namespace").values()
        assert namespace.inputs["metadata"]["labels"][label] == standard
