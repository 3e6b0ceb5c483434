# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from components.cloud.claim import CLAIM, SIZE
from tests.support.chart import render
from tests.support.cloud import of, stand_up

KIND = "kubernetes:core/v1:PersistentVolumeClaim"
OWN = {"env": {"role": "control_plane"}, "nameOverride": "kong"}


def test_the_claim_is_the_one_that_the_charts_statefulset_looks_for() -> None:
    rendered = render(OWN, release="kong-cp")
    (workload,) = (item for (kind, _), item in rendered.items() if kind == "StatefulSet")
    (template,) = workload["spec"]["volumeClaimTemplates"]
    assert f"{template['metadata']['name']}-{workload['metadata']['name']}-0" == CLAIM
    assert template["spec"]["resources"]["requests"]["storage"] == SIZE


def test_it_is_there_before_the_release_and_does_not_go_with_the_cluster() -> None:
    found = stand_up("dev")
    (claim,) = of(found, KIND).values()
    assert claim.inputs["spec"]["storageClassName"] == "kafka-gateway"
    assert not claim.deleted_with
    assert not claim.retain
    release = of(found, "kubernetes:helm.sh/v3:Release")["control-plane"]
    assert release.depends_on(claim.name)
    assert not release.deleted_with, "its pod would hold the disk"


def test_prod_keeps_it() -> None:
    (claim,) = of(stand_up("prod"), KIND).values()
    assert claim.retain


def test_a_hosted_control_plane_has_none() -> None:
    assert not of(stand_up("konnect"), KIND)
