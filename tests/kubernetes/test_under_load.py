# SPDX-License-Identifier: Apache-2.0
"""What operators do with a data plane while clients send: nothing is lost, nothing but 2xx.

KUBERNETES_LOAD in the environment is the least number of requests of each test; without it those
run that take little time. KUBERNETES_OUTAGE is for how many seconds the control plane is gone, and
with KUBERNETES_RECORD=1 what was counted goes into docs/operations.md. KUBERNETES_RATE is how many
requests a second are sent, where the machine is able to.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from tests.kubernetes.cluster import Cluster, say, timed
from tests.kubernetes.load import SENDERS, Counts, running
from tests.kubernetes.operations import (
    OPERATIONS,
    Operation,
    Site,
    without_control_plane,
)
from tests.kubernetes.record import Row, record
from tests.kubernetes.stack import BUFFERED, TOPIC, WRITTEN, ExistingStack
from tests.support.broker import Broker
from tools.kubernetes.layout import NODE_ADDRESS

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(1800)]

RATE = int(os.environ.get("KUBERNETES_RATE", "2000"))
ASKED = os.environ.get("KUBERNETES_LOAD", "")
LEAST = int(ASKED or "10000")
OUTAGE = float(os.environ.get("KUBERNETES_OUTAGE", "5"))
EACH = [
    pytest.param(
        operation,
        id=operation.name,
        marks=[] if operation.often or ASKED else pytest.mark.skip("set KUBERNETES_LOAD"),
    )
    for operation in OPERATIONS
]


@pytest.fixture(scope="module")
def site(cluster: Cluster, stack: ExistingStack, kafka: Broker) -> Site:
    kafka.allow(kafka.second, TOPIC)
    found = Site(cluster, stack, kafka)
    stack.serve_written()
    stack.write_settings(replicas=2)
    stack.change("up")
    found.settle(2)
    return found


def under_load(
    site: Site, name: str, work: Callable[[], None], path: str = BUFFERED
) -> tuple[Counts, int]:
    """Do ``work`` while clients send; return what they saw, and how many records there are."""
    before = site.kafka.count(TOPIC)
    with timed(name), running(NODE_ADDRESS, f"{path}/get", RATE, LEAST) as counts:
        work()
    written = site.kafka.count(TOPIC) - before
    broken = counts.broken.total()
    row = Row(name, counts.sent, counts.good, written, counts.crossed, broken, counts.rate)
    say(str(row))
    record(row)
    if counts.good != counts.sent:
        words = ("get", "events", "--sort-by=.lastTimestamp", "--field-selector=type=Warning")
        say(f"{counts}\n{site.kubectl(*words)}")
    return counts, written


def assert_nothing_lost(counts: Counts, written: int) -> None:
    # A pod that drains closes its connections with their next response, so that none is lost.
    assert not counts.crossed, counts
    assert not counts.broken, counts
    assert set(counts.statuses) == {"200"}, counts
    assert written == counts.good == counts.sent >= LEAST


@pytest.mark.parametrize("operation", EACH)
def test_every_request_is_acknowledged_and_in_the_topic_once(
    site: Site, operation: Operation
) -> None:
    if operation.before is not None:
        operation.before(site)
    try:
        path = BUFFERED if operation.harmless else WRITTEN
        counts, written = under_load(site, operation.name, lambda: operation.work(site), path)
    finally:
        if operation.after is not None:
            operation.after(site)
    if operation.harmless:
        assert_nothing_lost(counts, written)
        return
    # What was killed had no more than the senders' connections; whatever it had acknowledged is in
    # the topic, and perhaps what it could not acknowledge any more.
    lost = counts.broken.total() + counts.crossed
    assert lost <= SENDERS, counts
    assert set(counts.statuses) == {"200"}, counts
    assert counts.good <= written <= counts.good + lost
    assert counts.sent >= LEAST


def test_the_data_plane_needs_no_control_plane_to_serve(site: Site) -> None:
    def gone() -> None:
        with without_control_plane(site):
            time.sleep(OUTAGE)

    name = f"control plane gone for {OUTAGE:.0f} s and back"
    counts, written = under_load(site, name, gone, WRITTEN)
    assert_nothing_lost(counts, written)
    restarts = [
        pod["status"]["containerStatuses"][0]["restartCount"] for pod in site.pods().values()
    ]
    assert restarts == [0, 0]
