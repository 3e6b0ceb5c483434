# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from provider.values import UNKNOWN, Properties
from tests.support.fake_konnect import ENDPOINTS, FakeKonnect
from tests.support.ports import free_ports
from tests.support.provider import CallError, Harness

TOKEN = "gateway:konnect:ControlPlane"


def plane(konnect: FakeKonnect, **more: Any) -> Properties:
    return {"api": {"url": konnect.url, "token": konnect.token}, "name": "ours", **more}


def test_a_control_plane_is_made_with_its_endpoints(konnect: FakeKonnect) -> None:
    harness = Harness(TOKEN)
    made = harness.create(plane(konnect, labels={"stack": "test"}))
    assert (made["controlPlaneEndpoint"], made["telemetryEndpoint"]) == ENDPOINTS
    (live,) = konnect.planes.values()
    assert live["labels"] == {"stack": "test", "kafka-gateway-id": "project.test.it"}
    assert live["config"]["auth_type"] == "pinned_client_certs"
    assert harness.diff() == {}
    assert ("api", "token") in harness.secrets


def test_an_interrupted_create_is_adopted_by_its_label(konnect: FakeKonnect) -> None:
    first, again = Harness(TOKEN), Harness(TOKEN)
    first.create(plane(konnect))
    assert again.create(plane(konnect)) == first.outputs
    assert len(konnect.planes) == 1


def test_a_control_plane_is_edited_in_place(konnect: FakeKonnect) -> None:
    harness = Harness(TOKEN)
    harness.create(plane(konnect))
    news = plane(konnect, description="new")
    assert harness.diff(harness.check(news)) == {"description": "UPDATE"}
    harness.update(news)
    assert next(iter(konnect.planes.values()))["description"] == "new"
    other = harness.check(plane(konnect, authType="pki_client_certs", description="new"))
    assert harness.diff(other) == {"authType": "UPDATE_REPLACE"}


def test_a_control_plane_changed_or_deleted_by_hand_is_a_change(konnect: FakeKonnect) -> None:
    harness = Harness(TOKEN)
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
    harness = Harness(TOKEN)
    harness.create(plane(konnect))
    harness.delete()
    harness.delete()
    assert konnect.planes == {}


def test_an_unreachable_konnect_keeps_the_state_and_a_refusal_is_named(
    konnect: FakeKonnect,
) -> None:
    harness = Harness(TOKEN)
    harness.create(plane(konnect))
    harness.inputs["api"]["url"] = f"http://127.0.0.1:{free_ports(1)[0]}"
    assert harness.diff() == {}
    assert "does not answer" in harness.lines.shown[0]
    with pytest.raises(CallError, match="name: should not be blank"):
        Harness(TOKEN, "blank").create(plane(konnect, name=" "))
    wrong = plane(konnect)
    wrong["api"]["token"] = "planted-secret"
    with pytest.raises(CallError, match="Unauthenticated") as caught:
        Harness(TOKEN).create(wrong)
    assert "planted-secret" not in caught.value.text


def test_unknown_values_are_accepted_at_preview(konnect: FakeKonnect) -> None:
    assert Harness(TOKEN).create(plane(konnect), preview=True)["controlPlaneId"] == UNKNOWN
