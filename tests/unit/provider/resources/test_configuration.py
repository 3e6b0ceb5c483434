# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from provider.values import UNKNOWN, Properties
from tests.support.fake_control_plane import FakeControlPlane
from tests.support.ports import free_ports
from tests.support.provider import CallError, Harness

TOKEN = "gateway:index:Configuration"
PLUGIN = 'document.services["web"].routes["all"].plugins["kafka-upstream"]'

DOCUMENT: dict[str, Any] = {
    "services": {
        "web": {
            "url": "http://upstream.test:8080/base",
            "routes": {
                "all": {
                    "paths": ["/web"],
                    "plugins": {
                        "kafka-upstream": {
                            "config": {
                                "topic": "one",
                                "bootstrap_servers": [{"host": "localhost", "port": 9092}],
                                "authentication": {
                                    "strategy": "sasl",
                                    "mechanism": "PLAIN",
                                    "user": "{vault://env/KAFKA_API_KEY}",
                                    "password": "{vault://env/KAFKA_API_SECRET}",
                                },
                            }
                        }
                    },
                }
            },
        }
    }
}


@pytest.fixture
def plane() -> Iterator[FakeControlPlane]:
    with FakeControlPlane().running() as running:
        yield running


@pytest.fixture
def harness() -> Harness:
    return Harness(TOKEN, "routes")


def inputs(plane: FakeControlPlane, document: Any = DOCUMENT, **more: Any) -> Properties:
    admin = {"url": plane.url, "token": plane.token}
    return {"admin": admin, "owner": "ours", "document": document, **more}


def edited(**config: Any) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    plugins = document["services"]["web"]["routes"]["all"]["plugins"]
    plugins["kafka-upstream"]["config"].update(config)
    return document


def test_a_document_is_published_as_one_release(plane: FakeControlPlane, harness: Harness) -> None:
    made = harness.create(inputs(plane, message="first"))
    assert (harness.id, made["release"], made["hash"]) == ("ours", 1, "0" * 32)
    _, _, body = plane.requests[-1]
    assert body["who"] == "pulumi project/test"
    assert body["message"] == "first"
    assert ("admin", "token") in harness.secrets
    assert harness.diff() == {}


def test_one_property_is_one_line_under_its_names(
    plane: FakeControlPlane, harness: Harness
) -> None:
    harness.create(inputs(plane))
    news = inputs(plane, edited(topic="two"))
    assert harness.diff(harness.check(news)) == {f"{PLUGIN}.config.topic": "UPDATE"}
    assert harness.update(news, preview=True)["release"] == UNKNOWN
    assert plane.published == 1
    harness.update(news)
    assert plane.published == 2
    assert harness.diff() == {}


def test_a_default_written_out_is_no_change(plane: FakeControlPlane, harness: Harness) -> None:
    harness.create(inputs(plane))
    assert harness.diff(harness.check(inputs(plane, edited(timeout=10_000)))) == {}


def test_message_and_wait_publish_nothing(plane: FakeControlPlane, harness: Harness) -> None:
    harness.create(inputs(plane))
    assert harness.diff(harness.check(inputs(plane, message="x", waitSeconds=1))) == {}


def test_a_change_behind_its_back_is_named_and_put_right(
    plane: FakeControlPlane, harness: Harness
) -> None:
    harness.create(inputs(plane))
    live = plane.documents["ours"]["services"]["web"]["routes"]["all"]
    live["plugins"]["kafka-upstream"]["config"]["topic"] = "by-hand"
    answer = harness.diff_response(harness.inputs)
    assert list(answer.detailedDiff) == [f"{PLUGIN}.config.topic"]
    assert not answer.detailedDiff[f"{PLUGIN}.config.topic"].inputDiff
    assert f"somebody else: {PLUGIN}.config.topic ('by-hand' there)" in harness.lines.shown[0]
    harness.update(inputs(plane))
    assert harness.diff() == {}


def test_an_edit_and_a_change_behind_its_back_are_both_shown(
    plane: FakeControlPlane, harness: Harness
) -> None:
    harness.create(inputs(plane))
    plane.documents["ours"]["services"]["web"]["retries"] = 9
    found = harness.diff(harness.check(inputs(plane, edited(topic="two"))))
    assert found == {
        f"{PLUGIN}.config.topic": "UPDATE",
        'document.services["web"].retries': "DELETE",
    }


def test_a_secret_set_behind_its_back_is_named_but_not_shown(
    plane: FakeControlPlane, harness: Harness
) -> None:
    harness.create(inputs(plane))
    live = plane.documents["ours"]["services"]["web"]["routes"]["all"]["plugins"]
    live["kafka-upstream"]["config"]["authentication"]["password"] = "planted-secret"
    assert harness.diff() == {f"{PLUGIN}.config.authentication.password": "UPDATE"}
    assert "planted-secret" not in harness.lines.shown[0]


def test_a_control_plane_that_lost_it_gets_it_again(
    plane: FakeControlPlane, harness: Harness
) -> None:
    harness.create(inputs(plane))
    plane.documents.clear()
    assert harness.diff() == {'document.services["web"]': "ADD"}
    assert harness.read()[0] == ""
    harness.update(inputs(plane))
    assert harness.diff() == {}


def test_an_unreachable_control_plane_keeps_the_state_and_warns(
    plane: FakeControlPlane, harness: Harness
) -> None:
    harness.create(inputs(plane))
    harness.inputs["admin"]["url"] = f"http://127.0.0.1:{free_ports(1)[0]}"
    assert harness.diff() == {}
    assert harness.read()[1] == harness.inputs
    harness.delete()
    assert all("does not answer (Connection refused)" in line for line in harness.lines.shown)
    assert "taken for gone" in harness.lines.shown[-1]


def test_a_wrong_token_is_reported_and_never_shown(
    plane: FakeControlPlane, harness: Harness
) -> None:
    wrong = inputs(plane)
    wrong["admin"]["token"] = "planted-secret"
    with pytest.raises(CallError, match="401: Unauthorized") as caught:
        harness.create(wrong)
    assert "planted-secret" not in caught.value.text


def test_a_refusal_names_data_plane_and_reason(plane: FakeControlPlane, harness: Harness) -> None:
    plane.verdicts = [
        {
            "id": "1",
            "hostname": "dp",
            "status": "refused",
            "error": "vault reference {vault://env/KAFKA_API_SECRET} does not resolve",
        }
    ]
    with pytest.raises(CallError) as caught:
        harness.create(inputs(plane))
    assert "data plane dp (1) refuses it: vault reference" in caught.value.text
    assert "previous one is served" in caught.value.text


def test_a_data_plane_that_is_late_is_a_warning(plane: FakeControlPlane, harness: Harness) -> None:
    plane.verdicts = [{"id": "1", "hostname": "dp", "status": "timeout", "error": None}]
    harness.create(inputs(plane, waitSeconds=3))
    assert harness.lines.shown == [
        "data plane dp (1) does not serve release 1: not confirmed within 3 s"
    ]


def test_each_problem_of_a_document_stands_at_its_property(
    plane: FakeControlPlane, harness: Harness
) -> None:
    document = edited(topik="x")
    document["services"]["web"]["retries"] = "many"
    failures = harness.failures(inputs(plane, document))
    assert f"{PLUGIN}.config.topik" in failures
    assert "topic" in failures[f"{PLUGIN}.config.topik"]
    assert 'document.services["web"].retries' in failures


def test_checking_twice_changes_nothing(plane: FakeControlPlane, harness: Harness) -> None:
    once = harness.check(inputs(plane))
    assert harness.check(once) == once


def test_unknown_values_are_accepted_at_preview(plane: FakeControlPlane, harness: Harness) -> None:
    document = edited(topic=UNKNOWN, bootstrap_servers=UNKNOWN)
    unknown = inputs(plane, document)
    unknown["admin"] = {"url": UNKNOWN, "token": UNKNOWN}
    assert harness.create(unknown, preview=True)["release"] == UNKNOWN
    harness.create(inputs(plane))
    found = harness.diff(harness.check(unknown))
    assert {"admin.url", "admin.token", f"{PLUGIN}.config.topic"} <= set(found)
    assert set(harness.diff(harness.check(inputs(plane, UNKNOWN)))) == {"document"}


def test_a_refresh_takes_over_what_differs_and_nothing_else(
    plane: FakeControlPlane, harness: Harness
) -> None:
    harness.create(inputs(plane))
    assert harness.read()[1] == harness.inputs
    service = plane.documents["ours"]["services"]["web"]
    service["routes"]["all"]["plugins"]["kafka-upstream"]["config"]["topic"] = "by-hand"
    service["host"] = "elsewhere.test"
    document = harness.read()[1]["document"]["services"]["web"]
    expected = edited(topic="by-hand")["services"]["web"]
    del expected["url"]
    parts = {"protocol": "http", "host": "elsewhere.test", "port": 8080, "path": "/base"}
    assert document == expected | parts


def test_another_owner_is_another_configuration_made_after_the_old_one_is_gone(
    plane: FakeControlPlane, harness: Harness
) -> None:
    harness.create(inputs(plane))
    answer = harness.diff_response(harness.check({**inputs(plane), "owner": "theirs"}))
    assert list(answer.replaces) == ["owner"]
    assert answer.deleteBeforeReplace


def test_deleting_it_twice_is_quiet(plane: FakeControlPlane, harness: Harness) -> None:
    harness.create(inputs(plane))
    harness.delete()
    assert plane.documents == {}
    harness.delete()
    assert harness.lines.shown == []


def test_an_interrupted_create_is_adopted(plane: FakeControlPlane, harness: Harness) -> None:
    harness.create(inputs(plane))
    again = Harness(TOKEN, "routes")
    again.create(inputs(plane))
    assert again.id == harness.id
    assert again.diff() == {}


def test_an_empty_document_is_no_lasting_change(plane: FakeControlPlane, harness: Harness) -> None:
    harness.create(inputs(plane, {}))
    plane.documents.clear()
    assert harness.diff() == {}
    assert harness.read()[0] == "ours"


def test_another_compatibility_version_shows_each_default_that_changes(
    harness: Harness, plane: FakeControlPlane
) -> None:
    harness.create(inputs(plane))
    changed = harness.diff(harness.check(inputs(plane, compatibilityVersion="3.14")))
    path = 'document.services["web"].routes["all"].protocols'
    assert set(changed) == {"compatibilityVersion", path}
