# SPDX-License-Identifier: Apache-2.0
"""One lab for all tests of this folder; while they run, this process is in the lab's network."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kubernetes.cluster import Cluster, request, say, timed
from tests.kubernetes.stack import BUFFERED, TOPIC, ExistingStack
from tests.support.broker import Broker
from tests.support.waiting import eventually
from tools.kubernetes import image
from tools.kubernetes.lab import Lab, reason_against
from tools.kubernetes.layout import NODE_ADDRESS


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    """Give a running cluster, or skip with the reason why there can be none.

    With KUBERNETES_LAB=required in the environment, that reason is a failure.
    """
    if reason := reason_against():
        refuse = pytest.fail if os.environ.get("KUBERNETES_LAB") == "required" else pytest.skip
        refuse(f"no Kubernetes: {reason}")
    with timed("images"):
        sandbox, gateway = image.ensure()
        upgraded = image.ensure_next()
    with Lab(sandbox, gateway, upgraded, say=say) as lab, lab.entered():
        yield Cluster(lab, gateway, upgraded)


@pytest.fixture(scope="package")
def kafka(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Give a broker at the node's address, where pods reach it."""
    broker = Broker(Path(tmp_path_factory.mktemp("kafka")), host=NODE_ADDRESS)
    try:
        with timed("Kafka"):
            broker.start()
            cluster.lab.adopt(broker.pid)
            broker.create(TOPIC)
            broker.allow(broker.writer, TOPIC)
        yield broker
    finally:
        broker.close()


@pytest.fixture(scope="package")
def stack(
    cluster: Cluster, kafka: Broker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ExistingStack]:
    """Give the program's stack, stood up by the engine."""
    made = ExistingStack(Path(tmp_path_factory.mktemp("stack")), cluster, kafka)
    say(f"Kubernetes plugin: {'the real one' if made.uses_the_real_plugin else 'the stand-in'}")
    started = time.monotonic()
    with timed("pulumi up on an empty cluster"):
        made.change("up")
    if request(80, f"{BUFFERED}/get").status == 200:
        eventually(lambda: kafka.count(TOPIC), within=60, every=0.1)
        made.seconds_to_first_record = time.monotonic() - started
    yield made
