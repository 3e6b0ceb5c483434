# SPDX-License-Identifier: Apache-2.0
"""Another cluster in place of a live one: everything that lies in a cluster goes and comes with it.

Objects of the stubs lie in the cluster that their provider's kubeconfig names, and vanish with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.plans import changed, planned
from tools.stubs.session import StubSession
from tools.stubs.warm import warm_session

pytestmark = pytest.mark.engine

CLUSTER = "aws:eks/cluster:Cluster"


@pytest.fixture
def live(tmp_path: Path) -> Iterator[StubSession]:
    with warm_session(tmp_path, "dev") as session:
        made = session.up()
        assert made.code == 0, made.text
        yield session


def inside(session: StubSession) -> set[str]:
    """Return the types and names of what lies in the only cluster there is."""
    (cluster,) = (thing for thing in session.world.things() if thing.type == CLUSTER)
    found = [t for t in session.world.things() if t.place == cluster.outputs["endpoint"]]
    return {f"{thing.type} {thing.id}" for thing in found}


def test_another_region_is_another_cluster_with_everything_in_it(live: StubSession) -> None:
    before = inside(live)
    steps = planned(live, clusterRegion="us-west-2")
    anew = [step.partition(":")[0].removeprefix("make anew ") for step in steps]
    assert anew.index("cluster-kubernetes") > anew.index("cluster-eksCluster")
    for name in ("certificates-namespace", "control-plane", "data-plane", "data-plane-key-secret"):
        assert (
            anew.index(name) > anew.index("cluster-kubernetes") > anew.index("cluster-eksCluster")
        )
        gone = f"delete the old {name}"
        assert steps.index(gone) < steps.index("delete the old cluster-eksCluster")
    with changed(live, clusterRegion="us-west-2"):
        made = live.up()
        assert made.code == 0, made.text
        assert inside(live) == before
        assert live.preview("--expect-no-changes").code == 0


def test_a_cluster_that_was_deleted_by_hand_is_filled_again(live: StubSession) -> None:
    before = inside(live)
    world = live.world
    for thing in list(world.things()):
        if thing.type.startswith("aws:eks/"):
            world.file(thing.type, thing.id, thing.place).unlink()
        if thing.type == CLUSTER:
            world.clear(thing.outputs["endpoint"])
    # As `PULUMI_K8S_DELETE_UNREACHABLE=true` has it: what cannot be asked any more is gone.
    refused = live.refresh()
    assert "configured Kubernetes cluster is unreachable" in refused.text
    world.say("delete-unreachable", True)
    made = live.up("--refresh")
    assert made.code == 0, made.text
    assert inside(live) == before
    assert live.preview("--expect-no-changes").code == 0
