# SPDX-License-Identifier: Apache-2.0
"""What is there already is imported by its name; the environment says where to look."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provider.imports import ADMIN, KAFKA, admin_of_environment, kafka_of_environment
from provider.values import Properties
from tests.support.broker import Broker
from tests.support.fake_control_plane import FakeControlPlane
from tests.support.provider import CallError, Harness

DOCUMENT: dict[str, Any] = {"services": {"web": {"host": "upstream.test"}}}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*KAFKA.values(), *ADMIN.values()):
        monkeypatch.delenv(variable, raising=False)


def imported(token: str, identity: str) -> Harness:
    """Return a resource as it is recorded after an import."""
    harness = Harness(token)
    harness.id = identity
    harness.id, harness.inputs, harness.outputs = harness.read()
    return harness


@pytest.mark.parametrize(
    ("token", "identity", "variable"),
    [
        ("gateway:kafka:Topic", "orders", "KAFKA_BOOTSTRAP_SERVERS"),
        ("gateway:kafka:Acl", "User:me|*|write|allow|topic|orders|literal", "KAFKA_BOOTSTRAP"),
        ("gateway:index:Configuration", "me", "KAFKA_GATEWAY_ADMIN_URL"),
    ],
)
def test_what_the_environment_lacks_is_named(token: str, identity: str, variable: str) -> None:
    with pytest.raises(CallError, match=f"{variable}.* is not set"):
        imported(token, identity)


def test_authorities_are_read_from_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.crt").write_text("PEM")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "a:1")
    monkeypatch.setenv("KAFKA_CA", str(tmp_path / "ca.crt"))
    assert kafka_of_environment() == {
        "bootstrapServers": "a:1", "caPem": "PEM", "mechanism": "PLAIN",
    }  # fmt: skip
    monkeypatch.setenv("KAFKA_GATEWAY_ADMIN_URL", "https://admin.test")
    monkeypatch.setenv("KAFKA_GATEWAY_ADMIN_CA", str(tmp_path / "none.crt"))
    with pytest.raises(Exception, match=r"KAFKA_GATEWAY_ADMIN_CA: .*none\.crt cannot be read"):
        admin_of_environment()


@pytest.fixture
def plane(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeControlPlane]:
    with FakeControlPlane().running() as running:
        monkeypatch.setenv("KAFKA_GATEWAY_ADMIN_URL", running.url)
        monkeypatch.setenv("KAFKA_GATEWAY_ADMIN_TOKEN", running.token)
        yield running


def test_a_configuration_is_imported_by_its_owner(plane: FakeControlPlane) -> None:
    made = Harness("gateway:index:Configuration", "made")
    admin = {"url": plane.url, "token": plane.token}
    wanted: Properties = {"admin": admin, "owner": "me", "document": DOCUMENT}
    made.create(wanted)
    found = imported("gateway:index:Configuration", "me")
    assert (found.id, found.inputs["owner"]) == ("me", "me")
    assert found.outputs["release"] == 1
    # A program that says the same changes nothing.
    assert found.diff(found.check(wanted)) == {}
    assert imported("gateway:index:Configuration", "nobody").id == ""


@pytest.fixture
def kafka(broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Properties:
    """The endpoint of the shared broker, which the environment names."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", broker.bootstrap)
    monkeypatch.setenv("KAFKA_USER", broker.admin[0])
    monkeypatch.setenv("KAFKA_PASSWORD", broker.admin[1])
    (tmp_path / "ca.crt").write_text(broker.authority.certificate)
    monkeypatch.setenv("KAFKA_CA", str(tmp_path / "ca.crt"))
    return {
        "bootstrapServers": broker.bootstrap,
        "caPem": broker.authority.certificate,
        "user": broker.admin[0],
        "password": broker.admin[1],
    }


@pytest.mark.kafka
def test_a_topic_is_imported_by_its_name(kafka: Properties, broker: Broker) -> None:
    name = broker.topic(2, {"retention.ms": "60000"})
    found = imported("gateway:kafka:Topic", name)
    wanted = {"endpoint": kafka, "name": name, "partitions": 2, "config": {"retention.ms": 60_000}}
    assert found.diff(found.check(wanted)) == {}
    assert "endpoint" not in found.outputs
    assert imported("gateway:kafka:Topic", f"no-{uuid.uuid4().hex}").id == ""


@pytest.mark.kafka
def test_a_rule_is_imported_by_its_parts(kafka: Properties) -> None:
    name = f"User:{uuid.uuid4().hex}"
    wanted = {
        "endpoint": kafka,
        "principal": name,
        "resourceType": "topic",
        "resourceName": "Orders",
        "operation": "write",
    }
    made = Harness("gateway:kafka:Acl", "made")
    made.create(wanted)
    found = imported("gateway:kafka:Acl", f"{name}|*|Write|Allow|Topic|Orders|Literal")
    assert found.diff(found.check(wanted)) == {}
    assert imported("gateway:kafka:Acl", f"{name}|*|read|allow|topic|Orders|literal").id == ""
    made.delete()


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("identity", "said"),
    [
        ("User:me", "an access rule's id is principal|host|"),
        ("User:me|*|wirte|allow|topic|orders|literal", "operation: 'wirte' is not allowed"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(
    kafka: Properties, identity: str, said: str
) -> None:
    with pytest.raises(CallError) as refused:
        imported("gateway:kafka:Acl", identity)
    assert said in refused.value.text
    assert kafka["password"] not in refused.value.text
