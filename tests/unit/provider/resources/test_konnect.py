# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from provider.values import UNKNOWN, Properties
from tests.support.fake_konnect import ENDPOINTS, FakeKonnect
from tests.support.ports import free_ports
from tests.support.provider import CallError, Harness

PLANE = "gateway:konnect:ControlPlane"
CERTIFICATE = "gateway:konnect:DataPlaneCertificate"
CONFIGURATION = "gateway:index:Configuration"


@pytest.fixture
def konnect() -> Iterator[FakeKonnect]:
    with FakeKonnect().running() as running:
        yield running


def plane(konnect: FakeKonnect, **more: Any) -> Properties:
    return {"api": {"url": konnect.url, "token": konnect.token}, "name": "ours", **more}


def certificate(konnect: FakeKonnect, pem: str = "PEM 1") -> Properties:
    api = {"url": konnect.url, "token": konnect.token}
    return {"api": api, "controlPlaneId": "cp", "certificatePem": pem}


def test_a_control_plane_is_made_with_its_endpoints(konnect: FakeKonnect) -> None:
    harness = Harness(PLANE)
    made = harness.create(plane(konnect, labels={"stack": "test"}))
    assert (made["controlPlaneEndpoint"], made["telemetryEndpoint"]) == ENDPOINTS
    (live,) = konnect.planes.values()
    assert live["labels"] == {"stack": "test", "kafka-gateway-id": "project.test.it"}
    assert live["config"]["auth_type"] == "pinned_client_certs"
    assert harness.diff() == {}
    assert ("api", "token") in harness.secrets


def test_an_interrupted_create_is_adopted_by_its_label(konnect: FakeKonnect) -> None:
    first, again = Harness(PLANE), Harness(PLANE)
    first.create(plane(konnect))
    assert again.create(plane(konnect)) == first.outputs
    assert len(konnect.planes) == 1


def test_a_control_plane_is_edited_in_place(konnect: FakeKonnect) -> None:
    harness = Harness(PLANE)
    harness.create(plane(konnect))
    news = plane(konnect, description="new")
    assert harness.diff(harness.check(news)) == {"description": "UPDATE"}
    harness.update(news)
    assert next(iter(konnect.planes.values()))["description"] == "new"
    other = harness.check(plane(konnect, authType="pki_client_certs", description="new"))
    assert harness.diff(other) == {"authType": "UPDATE_REPLACE"}


def test_a_control_plane_changed_or_deleted_by_hand_is_a_change(konnect: FakeKonnect) -> None:
    harness = Harness(PLANE)
    harness.create(plane(konnect))
    (live,) = konnect.planes.values()
    live["description"] = "by hand"
    assert harness.diff() == {"description": "UPDATE"}
    assert harness.read()[1]["description"] == "by hand"
    konnect.planes.clear()
    assert harness.diff() == {"name": "ADD"}
    assert harness.read()[0] == ""
    harness.update(plane(konnect))
    assert harness.diff() == {}


def test_deleting_a_control_plane_twice_is_quiet(konnect: FakeKonnect) -> None:
    harness = Harness(PLANE)
    harness.create(plane(konnect))
    harness.delete()
    harness.delete()
    assert konnect.planes == {}


def test_konnect_away_keeps_the_state_and_a_refusal_is_told(konnect: FakeKonnect) -> None:
    harness = Harness(PLANE)
    harness.create(plane(konnect))
    harness.inputs["api"]["url"] = f"http://127.0.0.1:{free_ports(1)[0]}"
    assert harness.diff() == {}
    assert "does not answer" in harness.lines.said[0]
    with pytest.raises(CallError, match="name: should not be blank"):
        Harness(PLANE, "blank").create(plane(konnect, name=" "))
    wrong = plane(konnect)
    wrong["api"]["token"] = "planted-secret"
    with pytest.raises(CallError, match="Unauthenticated") as caught:
        Harness(PLANE).create(wrong)
    assert "planted-secret" not in caught.value.text


def test_a_certificate_is_registered_once(konnect: FakeKonnect) -> None:
    first, again = Harness(CERTIFICATE), Harness(CERTIFICATE)
    first.create(certificate(konnect))
    assert again.create(certificate(konnect))["certificateId"] == first.outputs["certificateId"]
    assert len(konnect.certificates) == 1
    assert first.diff() == {}


def test_a_renewed_certificate_is_registered_before_the_old_one_goes(
    konnect: FakeKonnect,
) -> None:
    harness = Harness(CERTIFICATE)
    harness.create(certificate(konnect))
    answer = harness.diff_response(harness.check(certificate(konnect, "PEM 2")))
    assert list(answer.replaces) == ["certificatePem"]
    assert not answer.deleteBeforeReplace


def test_a_registration_that_is_gone_is_made_again(konnect: FakeKonnect) -> None:
    harness = Harness(CERTIFICATE)
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
    assert Harness(CERTIFICATE).create(unknown, preview=True)["certificateId"] == UNKNOWN
    assert Harness(PLANE).create(plane(konnect), preview=True)["controlPlaneId"] == UNKNOWN


class Routes:
    """A configuration on a control plane of the fake."""

    def __init__(self, konnect: FakeKonnect) -> None:
        self.konnect = konnect
        self.harness = Harness(CONFIGURATION)

    def inputs(self, **services: Any) -> Properties:
        url = f"{self.konnect.url}/v2/control-planes/cp/core-entities"
        admin = {"url": url, "token": self.konnect.token, "kind": "konnect"}
        return {"admin": admin, "owner": "ours", "document": {"services": services}}


@pytest.fixture
def routes(konnect: FakeKonnect) -> Routes:
    return Routes(konnect)


WEB: dict[str, Any] = {
    "url": "http://upstream.test/base",
    "routes": {"all": {"paths": ["/web"], "plugins": {"key-auth": {}}}},
}
WEB_BARE: dict[str, Any] = {
    "url": "http://upstream.test/base",
    "routes": {"all": {"paths": ["/w"]}},
}


def test_a_document_is_synced_parents_first_with_only_what_was_said(routes: Routes) -> None:
    routes.harness.create(routes.inputs(web=WEB_BARE))
    puts = [path.split("/")[-2] for method, path in routes.konnect.calls if method == "PUT"]
    assert puts == ["services", "routes"]
    (service,) = routes.konnect.entities["services"].values()
    assert "retries" not in service
    assert service["host"] == "upstream.test"
    (route,) = routes.konnect.entities["routes"].values()
    assert route["service"] == {"id": service["id"]}
    assert routes.harness.diff() == {}


def test_what_is_left_over_is_removed_children_first(routes: Routes) -> None:
    routes.harness.create(routes.inputs(web=WEB_BARE, other={"url": "http://other.test"}))
    routes.konnect.calls.clear()
    routes.harness.update(routes.inputs(other={"url": "http://other.test"}))
    removed = [path.split("/")[-2] for method, path in routes.konnect.calls if method == "DELETE"]
    assert removed == ["routes", "services"]
    routes.harness.delete()
    assert not any(routes.konnect.entities.values())


def test_what_was_said_and_changed_by_hand_is_a_change(routes: Routes) -> None:
    routes.harness.create(routes.inputs(web=WEB_BARE))
    (service,) = routes.konnect.entities["services"].values()
    service["host"] = "by-hand.test"
    service["retries"] = 9
    assert list(routes.harness.diff()) == ['document.services["web"].host']
