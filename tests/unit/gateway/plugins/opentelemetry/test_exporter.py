# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from gateway.http.messages import Request, Response
from gateway.outgoing.client import HttpClient
from gateway.plugins.base import PluginContext
from gateway.plugins.logging.sinks import LogSinks
from gateway.plugins.opentelemetry.exporter import SpanExporter
from gateway.plugins.opentelemetry.schema import Config
from gateway.plugins.opentelemetry.trace import Trace
from tests.support.otlp import receiving
from tests.support.requests import request_of
from tests.support.waiting import PATIENCE


async def test_the_queue_is_given_back_at_the_end() -> None:
    logs = LogSinks()
    context = PluginContext(None, lambda _: None, logs=logs)  # type: ignore[arg-type]  # no Kafka
    config = Config(traces_endpoint="http://127.0.0.1:9/v1/traces")
    exporter = SpanExporter(config, context)
    exporter.close()
    with pytest.raises(KeyError):
        exporter.close()
    await asyncio.wait_for(logs.close(1), PATIENCE)


def test_a_worker_that_traces_nothing_does_not_load_protobuf() -> None:
    code = "import sys, gateway.plugins.opentelemetry.handler\nassert 'google' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def _recorded() -> Request:
    request = request_of()
    request.trace = Trace(b"a" * 32, b"b" * 16, True)
    request.trace.root = b"c" * 16
    return request


async def test_large_bodies_are_not_kept_until_others_come() -> None:
    logs = LogSinks()
    context = PluginContext(None, lambda _: None, logs=logs)  # type: ignore[arg-type]  # no Kafka
    exporter = SpanExporter(Config(traces_endpoint="http://127.0.0.1:9/v1/traces"), context)
    answered = Response(200, [], b"b" * 100_000)
    before = sys.getrefcount(answered)
    exporter.add(_recorded(), answered)
    assert sys.getrefcount(answered) == before
    exporter.close()
    await asyncio.wait_for(logs.close(0), PATIENCE)


async def test_spans_that_wait_go_by_the_configuration_that_follows() -> None:
    logs = LogSinks()
    with receiving() as receiver:
        async with HttpClient() as http:
            context = PluginContext(
                None,  # type: ignore[arg-type]  # no Kafka
                lambda _: None,
                logs=logs,
                http=http,
            )
            config = Config(traces_endpoint=receiver.url)
            before = SpanExporter(config, context)
            before.add(_recorded(), Response(200, []))
            after = SpanExporter(config, context)
            before.close()
            after.close()
            await asyncio.wait_for(logs.close(PATIENCE), PATIENCE)
        assert [span.name for span in receiver.spans] == ["kong"]
    assert logs.counts.report()["dropped"] == {}
