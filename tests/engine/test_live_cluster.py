# SPDX-License-Identifier: Apache-2.0
"""What a change of the configuration does to a cluster that is live, by the engine's plan.

The stubs replace, rename and refuse as the providers do: see tools/stubs/README.md.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.plans import changed, planned, refused
from tools.stubs.session import StubSession
from tools.stubs.warm import warm_session
from tools.stubs.world import Thing

pytestmark = pytest.mark.engine


AFTER_NODES = ("coredns", "ebs", "metrics", "pod-identity")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StubSession]:
    """A stack that is up; a test puts back what it changes."""
    with warm_session(tmp_path_factory.mktemp("live"), "dev") as session:
        made = session.up()
        assert made.code == 0, made.text
        yield session


def test_other_nodes_come_before_the_old_ones_go(live: StubSession) -> None:
    assert planned(live, nodeType="m7i.large") == [
        "make anew cluster-nodes: instanceTypes",
        "delete the old cluster-nodes",
    ]


def test_people_of_one_name_are_admitted_each(live: StubSession) -> None:
    account = "arn:aws:iam::123456789012"
    arns = [
        f"{account}:role/a/admin",
        f"{account}:role/b/admin",
        f"{account}:user/admin",
        "arn:aws:iam::210987654321:role/admin",
    ]
    made = [
        "update cluster: accessEntries",
        "make cluster-123456789012/role/a/admin",
        "make cluster-123456789012/role/b/admin",
        "make cluster-123456789012/user/admin",
        "make cluster-210987654321/role/admin",
    ]
    assert planned(live, adminArns=arns) == made


def test_a_cluster_is_upgraded_by_one_minor_version_and_never_back(live: StubSession) -> None:
    live.write_settings(kubernetesVersion="1.34")
    said = refused(live, kubernetesVersion="1.33")
    assert "kubernetesVersion: '1.34' is older than the cluster's, 1.35" in refused(live)
    assert "kubernetesVersion: '1.33' is older than the cluster's, 1.35" in said
    live.write_settings(kubernetesVersion="1.35")


def test_the_mode_of_nodes_stays(live: StubSession) -> None:
    said = refused(live, clusterMode="auto")
    assert "clusterMode: 'auto' on a cluster that is 'nodegroup'; make a second stack" in said


def test_the_network_stays(live: StubSession) -> None:
    said = refused(live, vpcCidr="10.11.0.0/16")
    assert "vpcCidr: '10.11.0.0/16' in place of 10.10.0.0/16: another network is another" in said


def test_a_further_zone_is_for_nodes_and_the_cluster_stays_where_it_is(live: StubSession) -> None:
    steps = planned(live, zones=3)
    assert steps[-2:] == ["make anew cluster-nodes: subnetIds", "delete the old cluster-nodes"]
    assert sorted(steps[:-2]) == [
        "make cluster-private-2",
        "make cluster-private-2",
        "make cluster-private-2-0",
        "make cluster-private-2-out",
        "make cluster-public-2",
        "make cluster-public-2",
    ]


def test_zones_are_chosen_once(live: StubSession) -> None:
    live.world.say("zones", {"stub-1b": "stub1-az1", "stub-1c": "stub1-az2"})
    assert planned(live) == [], "the first zone is impaired, and nothing moves"
    live.write_settings(zones=3)
    made = live.up()
    assert made.code == 0, made.text
    zones = {
        thing.urn.rsplit("::", 1)[-1]: thing.inputs["availabilityZone"]
        for thing in live.world.things()
        if thing.type == "aws:ec2/subnet:Subnet"
    }
    found = [zones[f"cluster-private-{place}"] for place in range(3)]
    assert found == ["stub-1a", "stub-1b", "stub-1c"]
    live.write_settings(zones=2)
    assert live.up().code == 0


def group(session: StubSession) -> Thing:
    (found,) = (t for t in session.world.things() if t.type == "aws:eks/nodeGroup:NodeGroup")
    return found


def test_the_number_of_nodes_is_moved_with_its_limits(live: StubSession) -> None:
    # EKS refuses limits that the present number is outside of; the stub does too.
    assert planned(live, nodes=3, maxNodes=4) == ["update cluster-nodes: scalingConfig"]
    with changed(live, nodes=3, maxNodes=4):
        made = live.up()
        assert made.code == 0, made.text
        sizes = {"minSize": 3, "desiredSize": 3, "maxSize": 4}
        assert group(live).inputs["scalingConfig"] == sizes
    assert live.up().code == 0


def test_what_the_autoscaler_did_is_kept(live: StubSession) -> None:
    with changed(live, nodes=1, maxNodes=6):
        assert live.up().code == 0
        sizes = group(live).inputs["scalingConfig"]
        live.world.edit(group(live), {"scalingConfig": {**sizes, "desiredSize": 5}})
        assert planned(live) == [], "the number is the autoscaler's"
        live.write_settings(maxNodes=4)
        assert live.up().code == 0
        assert group(live).inputs["scalingConfig"]["desiredSize"] == 4
    made = live.up()
    assert made.code == 0, made.text


def test_an_upgrade_takes_along_everything_of_the_cluster_in_order(live: StubSession) -> None:
    steps = planned(live, kubernetesVersion="1.36")
    assert steps[:2] == ["update cluster: version", "update cluster-eksCluster: version"]
    assert sorted(steps[2:4]) == [
        "update cluster-kube-proxy: addonVersion",
        "update cluster-vpc-cni: addonVersion",
    ]
    assert steps[4] == "update cluster-nodes: version"
    assert sorted(steps[5:-1]) == [f"update cluster-{one}: addonVersion" for one in AFTER_NODES]
    assert steps[-1] == "update cluster-autoscaler: values"
    live.write_settings(kubernetesVersion="1.36")
    made = live.up()
    assert made.code == 0, "the stub refuses nodes and a kube-proxy that are newer than the cluster"
    assert group(live).inputs["version"] == "1.36"
    settled = live.preview("--expect-no-changes")
    assert settled.code == 0, settled.text
