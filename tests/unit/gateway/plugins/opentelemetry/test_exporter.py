# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from gateway.plugins.base import PluginContext
from gateway.plugins.logging.sinks import LogSinks
from gateway.plugins.opentelemetry import Config
from gateway.plugins.opentelemetry.exporter import SpanExporter
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
