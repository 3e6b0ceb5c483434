# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from components.cloud.stack import make_cluster
from tests.support.cloud import of, stand_up_part
from tests.support.registrations import Registration


def cluster(stack: str, **changes: Any) -> list[Registration]:
    return stand_up_part(make_cluster, stack, **changes)


@pytest.fixture(scope="module")
def prod() -> list[Registration]:
    return cluster("prod")


CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"


def test_volumes_are_encrypted_and_wait_for_what_makes_them(prod: list[Registration]) -> None:
    (storage,) = of(prod, CLASS).values()
    assert storage.inputs["provisioner"] == "ebs.csi.aws.com"
    assert storage.inputs["parameters"] == {"type": "gp3", "encrypted": "true"}
    assert storage.inputs["reclaimPolicy"] == "Retain"
    assert storage.depends_on("cluster-ebs")
    driver = of(prod, "aws:eks/addon:Addon")["cluster-ebs"]
    assert driver.depends_on("cluster-pod-identity")
    assert driver.depends_on("cluster-storage-AmazonEBSCSIDriverPolicy")


def test_in_auto_mode_eks_makes_volumes_itself() -> None:
    found = cluster("dev", clusterMode="auto")
    assert set(of(found, "aws:eks/addon:Addon")) == {"cluster-metrics"}
    (storage,) = of(found, CLASS).values()
    assert storage.inputs["provisioner"] == "ebs.csi.eks.amazonaws.com"
    assert storage.inputs["reclaimPolicy"] == "Delete"
