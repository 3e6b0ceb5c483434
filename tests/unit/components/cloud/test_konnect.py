# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from components.cloud.konnect import host, host_and_port
from tests.support.cloud import bare, of, stand_up
from tests.support.registrations import Registration


@pytest.fixture(scope="module")
def konnect() -> list[Registration]:
    return stand_up("konnect")


def test_the_token_goes_out_as_a_secret(konnect: list[Registration]) -> None:
    for kind in ("gateway:konnect:ControlPlane", "gateway:konnect:DataPlaneCertificate"):
        (one,) = of(konnect, kind).values()
        assert one.is_secret("api")
        assert one.parent.endswith("::control-plane")
        assert "kpat_planted" in one.raw


def test_the_certificate_is_registered_and_goes_with_its_control_plane(
    konnect: list[Registration],
) -> None:
    (one,) = of(konnect, "gateway:konnect:DataPlaneCertificate").values()
    assert one.inputs["controlPlaneId"] == "cp-1"
    assert one.inputs["certificatePem"] == "CERTIFICATE"
    assert one.deleted_with.endswith("::control-plane")


def test_the_routes_go_to_the_control_plane_of_konnect(konnect: list[Registration]) -> None:
    (routes,) = of(konnect, "gateway:index:Configuration").values()
    admin = bare(routes.inputs["admin"])
    assert admin["kind"] == "konnect"
    assert "/v2/control-planes/cp-1" in admin["url"]
    assert routes.deleted_with.endswith("::control-plane")


def test_another_address_of_konnect_is_used_when_it_is_given() -> None:
    found = stand_up("konnect", konnectAddress="http://127.0.0.1:1")
    (one,) = of(found, "gateway:konnect:ControlPlane").values()
    assert bare(one.inputs["api"])["url"] == "http://127.0.0.1:1"


def test_data_planes_are_given_host_and_port() -> None:
    assert host("https://abc.us.cp.konghq.com") == "abc.us.cp.konghq.com"
    assert host_and_port("https://abc.us.cp.konghq.com") == "abc.us.cp.konghq.com:443"
    assert host_and_port("https://localhost:8443/") == "localhost:8443"
