# SPDX-License-Identifier: Apache-2.0
"""OTLP over gRPC, against gRPC's own server with OpenTelemetry's service."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
import pytest

from gateway.errors import OutgoingError
from gateway.outgoing.client import HttpClient
from gateway.plugins.opentelemetry.grpc_sending import GrpcSender
from gateway.plugins.opentelemetry.process_spans import ProcessSpans
from gateway.plugins.opentelemetry.schema import Config
from gateway.plugins.opentelemetry.sending import SpanReceiver, SpanSender
from gateway.settings.tracing import TracingSettings
from tests.support.authority import Authority
from tests.support.missing_module import take_away
from tests.support.node import running_node
from tests.support.otlp import receiving_grpc

RETRIED = ("CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "OUT_OF_RANGE",
           "UNAVAILABLE", "DATA_LOSS")  # fmt: skip


async def test_spans_of_a_process_arrive_with_their_headers() -> None:
    with receiving_grpc() as receiver:
        settings = TracingSettings(
            traces_endpoint=f"grpc://127.0.0.1:{receiver.port}", traces_headers={"API-Key": "x"}
        )
        spans = ProcessSpans(settings, "service", "node-1")
        for number in range(3):
            spans.begin(f"span-{number}").end()
        await spans.close(20)
        assert [span.name for span in receiver.spans] == ["span-0", "span-1", "span-2"]
        assert receiver.requests[0][0]["api-key"] == "x"
        assert "content-type" not in receiver.requests[0][0]


@pytest.mark.parametrize("code", grpc.StatusCode)
async def test_what_is_worth_sending_again_is_what_the_specification_says(
    code: grpc.StatusCode,
) -> None:
    with receiving_grpc() as receiver:
        receiver.statuses = [code.value[0]]
        sender = GrpcSender(f"grpc://127.0.0.1:{receiver.port}", (), 20.0, None)
        if code.name in RETRIED:
            with pytest.raises(OutgoingError, match=f"{code.name}: as the test wants it"):
                await sender.send(b"")
        else:
            assert await sender.send(b"") is (code is grpc.StatusCode.OK)
        assert await sender.send(b""), "the connection goes on"


async def test_a_receiver_that_is_not_there_is_tried_again() -> None:
    sender = GrpcSender("grpc://127.0.0.1:9", (), 20.0, None)
    with pytest.raises(OutgoingError, match=r"grpc://127\.0\.0\.1:9: UNAVAILABLE"):
        await sender.send(b"")


async def test_with_tls_the_authority_counts(tmp_path: Path) -> None:
    authority, other = Authority(), Authority("another")
    pair = authority.issue("localhost", server=True)
    (tmp_path / "ca.pem").write_text(authority.pem)
    (tmp_path / "other.pem").write_text(other.pem)
    tls = {"certificate": pair.certificate.encode(), "key": pair.key.encode()}
    with receiving_grpc(**tls) as receiver:
        url = f"grpcs://localhost:{receiver.port}"
        assert await GrpcSender(url, (), 20.0, str(tmp_path / "ca.pem")).send(b"")
        with pytest.raises(OutgoingError, match="UNAVAILABLE"):
            await GrpcSender(url, (), 20.0, str(tmp_path / "other.pem")).send(b"")
        with pytest.raises(OutgoingError, match="cannot read"):
            await GrpcSender(url, (), 20.0, str(tmp_path / "none.pem")).send(b"")


async def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    take_away(monkeypatch, "grpc")
    with pytest.raises(OutgoingError, match=r"install kafka-gateway\[otlp-grpc\]"):
        await GrpcSender("grpc://127.0.0.1:9", (), 1.0, None).send(b"")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("grpc://collector", "grpc://collector:4317"),
        ("grpcs://user:planted-secret@collector:5", "grpcs://collector:5"),
    ],
)
def test_a_place_is_named_without_secrets(url: str, place: str) -> None:
    assert GrpcSender(url, (), 1.0, None).place == place


async def test_the_scheme_says_how_spans_are_sent() -> None:
    with receiving_grpc() as receiver:
        async with HttpClient() as http:
            to = SpanReceiver(f"grpc://127.0.0.1:{receiver.port}", (("a", "b"),), 20.0, None)
            assert await SpanSender(http, to).send(b"")
    assert receiver.requests[0][0]["a"] == "b"


@pytest.mark.parametrize("url", ["grpc://collector:4317", "grpcs://collector"])
def test_the_plugin_takes_a_receiver_over_grpc(url: str) -> None:
    assert Config(traces_endpoint=url).traces_endpoint == url


@pytest.mark.parametrize("url", ["grpc://", "grpc://user:pw@collector", "ftp://collector"])
def test_the_plugin_refuses_what_is_no_receiver(url: str) -> None:
    with pytest.raises(ValueError, match="traces_endpoint"):
        Config(traces_endpoint=url)


@pytest.mark.parametrize("count", [1, 3])
def test_a_worker_sends_the_spans_of_requests(tmp_path: Path, count: int) -> None:
    with receiving_grpc() as receiver:
        tracing = {
            "traces_endpoint": f"grpc://127.0.0.1:{receiver.port}",
            "sampling_rate": 1,
            "queue": {"max_coalescing_delay": 0},
        }
        answer = {"name": "request-termination", "config": {"status_code": 200}}
        plugins = [answer, {"name": "opentelemetry", "config": tracing}]
        configuration = {
            "_format_version": "3.0",
            "routes": [{"name": "a", "paths": ["/a"], "plugins": plugins}],
        }
        (tmp_path / "kong.json").write_text(json.dumps(configuration))
        settings = {"KONG_DECLARATIVE_CONFIG": str(tmp_path / "kong.json")}
        with running_node(tmp_path, **settings) as node:
            node.ready()
            for _ in range(count):
                assert node.get("/a").status == 200
            assert len(receiver.named("kong", count)) == count
