# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from components.cloud.nodes import within
from components.cloud.stack import make_cluster
from tests.support.cloud import of, stand_up_part


@pytest.mark.parametrize(
    ("number", "least", "most", "found"), [(1, 3, 3, 3), (5, 1, 2, 2), (2, 1, 4, 2)]
)
def test_a_number_is_brought_within_its_limits(
    number: int, least: int, most: int, found: int
) -> None:
    assert within(number, least, most) == found


def test_nodes_begin_with_their_number_and_run_the_clusters_version() -> None:
    (nodes,) = of(
        stand_up_part(make_cluster, "prod", minNodes=2), "aws:eks/nodeGroup:NodeGroup"
    ).values()
    assert nodes.inputs["scalingConfig"] == {"desiredSize": 3, "minSize": 2, "maxSize": 9}
    assert nodes.inputs["version"] == "1.35"
    assert nodes.depends_on("cluster-vpc-cni")


def test_processors_of_aws_get_their_own_image() -> None:
    def image(kind: str) -> object:
        found = stand_up_part(make_cluster, "dev", nodeType=kind)
        (nodes,) = of(found, "aws:eks/nodeGroup:NodeGroup").values()
        return nodes.inputs.get("amiType")

    assert image("m7g.large") == "AL2023_ARM_64_STANDARD"
    assert image("t3.large") is None
