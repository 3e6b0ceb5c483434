# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
)

from gateway import __version__
from provider import registry
from provider.engine_log import EngineLog
from provider.resource import Call
from provider.server import Provider
from provider.values import encode
from tests.support.provider import CallError, Context, Harness

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = ROOT / "provider" / "pulumi-resource-gateway"
CREDENTIAL = "gateway:index:Credential"


class Engine(engine_pb2_grpc.EngineServicer):
    """The engine's own service, as far as plugins log to it."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str, str]] = []

    def Log(self, request: Any, context: Any) -> Any:
        self.lines.append((request.severity, request.urn, request.message))
        return empty_pb2.Empty()


@pytest.fixture
def engine() -> Iterator[tuple[Engine, str]]:
    made = Engine()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
    engine_pb2_grpc.add_EngineServicer_to_server(made, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield made, f"127.0.0.1:{port}"
    server.stop(0).wait()


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


@pytest.mark.parametrize("token", sorted(registry.TYPES))
def test_every_type_is_there_under_its_token(token: str) -> None:
    assert registry.resource_type(token).token == token


def test_an_unknown_type_names_the_known_ones() -> None:
    with pytest.raises(CallError, match="no resource type gateway:index:Konfiguration") as caught:
        Harness("gateway:index:Konfiguration").check({})
    assert "gateway:index:Configuration" in caught.value.text


def test_a_bug_tells_where_and_not_what(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("planted-secret")

    monkeypatch.setattr(registry.resource_type(CREDENTIAL), "create", broken)
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


def test_ids_come_from_stack_and_name() -> None:
    urn = "urn:pulumi:dev::project::a:b:Parent$gateway:index:Credential::one"
    call = Call(urn, EngineLog())
    assert (call.name, call.stack, call.derived_id) == ("one", "project/dev", "project/dev/one")


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


def test_each_line_reaches_the_engine_once(engine: tuple[Engine, str]) -> None:
    received, address = engine
    log = EngineLog(address)
    log.warning("urn", "look")
    log.warning("urn", "look")
    log.info("urn", "done")
    warning, info = engine_pb2.WARNING, engine_pb2.INFO
    assert received.lines == [(warning, "urn", "look"), (info, "urn", "done")]


def test_what_many_find_out_is_said_once(engine: tuple[Engine, str]) -> None:
    received, address = engine
    log = EngineLog(address)
    for urn in ("one", "two"):
        log.shared_warning(urn, "Kafka is away")
    assert received.lines == [(engine_pb2.WARNING, "one", "Kafka is away")]


def test_an_engine_that_has_left_is_no_error() -> None:
    EngineLog("127.0.0.1:1").warning("urn", "nobody reads this")
    EngineLog().warning("urn", "nor this")


def test_a_debugger_attaches_its_engine(engine: tuple[Engine, str]) -> None:
    received, address = engine
    provider = Provider()
    provider.Attach(plugin_pb2.PluginAttach(address=address), Context())
    provider.log.info("urn", "attached")
    assert received.lines[0][2] == "attached"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_plugin_serves_and_leaves_at_once(number: signal.Signals, tmp_path: Path) -> None:
    # A folder whose names could be mistaken for ours: the plugin runs in the project's directory.
    (tmp_path / "provider.py").write_text("raise SystemExit('not ours')")
    child = subprocess.Popen(
        [str(PLUGIN), "127.0.0.1:1"], cwd=tmp_path, stdout=subprocess.PIPE, start_new_session=True
    )
    assert child.stdout is not None
    with child, child.stdout:
        port = int(child.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            assert stub.GetPluginInfo(empty_pb2.Empty()).version == __version__
            stub.Cancel(empty_pb2.Empty())
        child.send_signal(number)
        assert child.wait(timeout=2) == 0


def test_starting_the_plugin_imports_no_resource_and_no_sdk() -> None:
    code = (
        "import sys, runpy; sys.argv = ['x']; sys.path.insert(0, '')\n"
        "runpy.run_path('provider/__main__.py', run_name='loaded')\n"
        "heavy = {'confluent_kafka', 'cryptography', 'pydantic', 'pulumi.resource'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
