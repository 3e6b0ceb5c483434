# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pulumi.runtime.proto import engine_pb2

from provider.engine_log import EngineLog
from tests.support.engine import FakeEngine


def test_each_line_reaches_the_engine_once(engine: FakeEngine) -> None:
    log = EngineLog(engine.address)
    log.warning("urn", "look")
    log.warning("urn", "look")
    log.warning("urn", "there")
    warning = engine_pb2.WARNING
    assert engine.lines == [(warning, "urn", "look"), (warning, "urn", "there")]


def test_a_shared_warning_is_shown_once(engine: FakeEngine) -> None:
    log = EngineLog(engine.address)
    for urn in ("one", "two"):
        log.shared_warning(urn, "Kafka does not answer")
    assert engine.lines == [(engine_pb2.WARNING, "one", "Kafka does not answer")]


def test_an_engine_that_has_left_is_no_error() -> None:
    EngineLog("127.0.0.1:1").warning("urn", "not read")
    EngineLog().warning("urn", "nor this")
