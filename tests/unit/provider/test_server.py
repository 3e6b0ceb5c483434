# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import pytest
from pulumi.runtime.proto import (
    plugin_pb2,
    provider_pb2,
)

from provider import registry
from provider.server import Provider
from provider.values import encode
from tests.support.engine import FakeEngine
from tests.support.provider import CallError, Context, Harness

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = ROOT / "provider" / "pulumi-resource-gateway"
CREDENTIAL = "gateway:index:Credential"


def test_the_wire_format_is_agreed_on_twice() -> None:
    provider = Provider()
    agreed = provider.Handshake(provider_pb2.ProviderHandshakeRequest(), Context())
    configured = provider.Configure(provider_pb2.ConfigureRequest(), Context())
    assert agreed.accept_secrets
    assert configured.acceptSecrets
    assert configured.supportsPreview
    assert not agreed.accept_resources | configured.acceptResources


def test_the_provider_itself_has_no_configuration() -> None:
    provider = Provider()
    news = encode({"version": "1"})
    assert provider.CheckConfig(provider_pb2.CheckRequest(news=news), Context()).inputs == news
    answer = provider.DiffConfig(provider_pb2.DiffRequest(news=news), Context())
    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_the_schema_names_every_type() -> None:
    answer = Provider().GetSchema(provider_pb2.GetSchemaRequest(), Context())
    assert set(json.loads(answer.schema)["resources"]) == set(registry.TYPES)


def test_an_unknown_type_names_the_known_ones() -> None:
    with pytest.raises(CallError, match="no resource type gateway:index:Konfiguration") as caught:
        Harness("gateway:index:Konfiguration").check({})
    assert "gateway:index:Configuration" in caught.value.text


def test_a_bug_is_located_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("planted-secret")

    monkeypatch.setattr(registry.implementation(CREDENTIAL), "create", broken)
    with pytest.raises(CallError) as caught:
        Harness(CREDENTIAL).create({})
    assert "RuntimeError at" in caught.value.text
    assert "test_server.py" in caught.value.text
    assert "planted-secret" not in caught.value.text


def test_ignored_changes_are_not_reported() -> None:
    harness = Harness(CREDENTIAL)
    harness.create({"keepers": {"a": 1, "b": 1}})
    request = provider_pb2.DiffRequest(
        urn=harness.urn,
        olds=encode(harness.outputs),
        old_inputs=encode(harness.inputs),
        news=encode(harness.check({"keepers": {"a": 2, "b": 2}})),
        ignoreChanges=["keepers.a"],
    )
    answer = harness.provider.Diff(request, Context())
    assert list(answer.detailedDiff) == ["keepers.b"]


def test_secrets_of_the_program_stay_secret_in_inputs_and_outputs() -> None:
    harness = Harness(CREDENTIAL)
    request = provider_pb2.CreateRequest(
        urn=harness.urn,
        properties=encode(
            {"prefix": "p", "length": 32, "keepers": {"password": "x"}}, {("keepers", "password")}
        ),
    )
    answer = harness.provider.Create(request, Context())
    keepers = answer.properties.fields["keepers"].struct_value.fields["password"]
    assert keepers.WhichOneof("kind") == "struct_value"


def test_a_debugger_attaches_its_engine(engine: FakeEngine) -> None:
    provider = Provider()
    provider.Attach(plugin_pb2.PluginAttach(address=engine.address), Context())
    provider.log.warning("urn", "attached")
    assert engine.lines[0][2] == "attached"
