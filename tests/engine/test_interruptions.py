# SPDX-License-Identifier: Apache-2.0
"""A failure at each resource in turn: the next update goes on, and nothing is made twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.engine.stubs.session import StubSession

pytestmark = [pytest.mark.engine, pytest.mark.timeout(420)]

ROUNDS = 25
"""More than the longest chain of resources that wait for one another."""


@pytest.mark.parametrize("stack", ["dev", "staging", "prod", "konnect"])
def test_every_resource_may_fail_once(tmp_path: Path, stack: str) -> None:
    session = StubSession(tmp_path, stack, gateway=True)
    # Each resource's first creation fails; what does not depend on it goes on.
    outcomes = []
    for _ in range(ROUNDS):
        outcomes.append(session.up("--continue-on-error", fail="first:::"))
        if outcomes[-1].code == 0:
            break
    assert outcomes[-1].code == 0, outcomes[-1].text
    log = session.world.log()
    made = Counter(entry.urn for entry in log if entry.operation == "create")
    assert {urn for urn, times in made.items() if times > 1} == set()
    assert {entry.urn for entry in log if entry.operation == "refused"} == set(made)
    settled = session.preview("--expect-no-changes")
    assert settled.code == 0, settled.text


def test_what_failed_half_way_is_recorded_and_not_made_again(tmp_path: Path) -> None:
    session = StubSession(tmp_path, "konnect", gateway=True)
    half = ("KafkaCluster::kafka-cluster", "Vpc::cluster-vpc", "ControlPlane::control-plane")
    failed = session.up("--continue-on-error", fail=",".join(f"half:{part}" for part in half))
    assert failed.code != 0
    assert "the test wanted half of it" in failed.text
    assert session.up().code == 0
    made = Counter(e.urn for e in session.world.log() if e.operation == "create")
    assert set(made.values()) == {1}


def test_an_update_that_is_stopped_in_the_middle_goes_on(tmp_path: Path) -> None:
    session = StubSession(tmp_path, "dev", gateway=True)
    stopped = session.up(fail="create:nodeGroup:NodeGroup")
    assert stopped.code != 0
    assert "the test wanted create to fail" in stopped.text
    there = {(thing.type, thing.id) for thing in session.world.things()}
    assert session.up().code == 0
    assert there <= {(thing.type, thing.id) for thing in session.world.things()}
