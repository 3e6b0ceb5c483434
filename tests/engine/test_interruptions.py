# SPDX-License-Identifier: Apache-2.0
"""A failure at each resource in turn: the next update goes on, and nothing is made twice."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.snapshots import recorded
from tools.stubs.session import PulumiOutcome
from tools.stubs.warm import warm_session
from tools.stubs.world import LogEntry

pytestmark = pytest.mark.engine

STACKS = ("prod", "konnect")
"""Between them they have every resource that there is in any stack."""
OTHERS = ("dev", "staging")
# Refused: it never came to be. Half-way: it is there, and the engine is told so with the error.
FAULTS = {"refused": "first:::", "half-way": "first-half:::"}
CASES = [(stack, way) for stack in STACKS for way in FAULTS]
ROUNDS = 25
"""More than the longest chain of resources that wait for one another."""


@dataclass(frozen=True)
class Chain:
    """Updates of one stack until one succeeded, and what the stubs noted meanwhile."""

    outcomes: list[PulumiOutcome]
    log: list[LogEntry]
    settled: PulumiOutcome


Chains = dict[tuple[str, str], "Future[Chain]"]


def chain(folder: Path, stack: str, fault: str) -> Chain:
    """Let each resource's first creation fail; what does not depend on it goes on."""
    with warm_session(folder, stack) as session:
        outcomes: list[PulumiOutcome] = []
        while len(outcomes) < ROUNDS and (not outcomes or outcomes[-1].code):
            outcomes.append(session.up("--continue-on-error", fail=fault))
        return Chain(outcomes, session.world.log(), session.preview("--expect-no-changes"))


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chains]:
    """Give the chains of all stacks, as many at once as there are processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {
            (stack, way): pool.submit(chain, tmp_path_factory.mktemp(stack), stack, FAULTS[way])
            for stack, way in CASES
        }


def resources(stack: str) -> set[tuple[str, str]]:
    """Return type and name of everything in a stack but the stack itself."""
    parts = (urn.split("::") for urn in recorded(stack))
    found = {(kind.rpartition("$")[2], name) for *_, kind, name in parts}
    return {one for one in found if one[0] != "pulumi:pulumi:Stack"}


@pytest.mark.parametrize("other", OTHERS)
def test_a_stack_that_is_left_out_has_nothing_of_its_own(other: str) -> None:
    assert resources(other) <= set().union(*map(resources, STACKS))


@pytest.mark.parametrize(("stack", "way"), CASES)
def test_every_resource_may_fail_once(stack: str, way: str, chains: Chains) -> None:
    seen = chains[stack, way].result()
    assert seen.outcomes[-1].code == 0, seen.outcomes[-1].text
    made = Counter(entry.urn for entry in seen.log if entry.operation == "create")
    assert {urn for urn, times in made.items() if times > 1} == set()
    assert {entry.urn for entry in seen.log if entry.operation == "failed"} == set(made)
    assert seen.settled.code == 0, seen.settled.text


def test_an_update_that_is_stopped_in_the_middle_goes_on(tmp_path: Path) -> None:
    with warm_session(tmp_path, "dev") as session:
        stopped = session.up(fail="create:nodeGroup:NodeGroup")
        assert stopped.code != 0
        assert "the test wanted create to fail" in stopped.text
        there = {(thing.type, thing.id) for thing in session.world.things()}
        assert session.up().code == 0
        assert there <= {(thing.type, thing.id) for thing in session.world.things()}
