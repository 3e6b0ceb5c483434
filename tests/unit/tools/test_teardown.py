# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

from tools.teardown import report


def resource(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "urn": f"urn:pulumi:prod::p::{kind}::{name}", "id": f"id-{name}", **more}


TOPIC = "confluentcloud:index/kafkaTopic:KafkaTopic"
DISKS = "kubernetes:storage.k8s.io/v1:StorageClass"
CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"


def test_what_is_protected_and_what_stays_is_named() -> None:
    text = report(
        [
            resource(TOPIC, "orders", protect=True, retainOnDelete=True),
            resource(CLAIM, "claim"),
            resource(DISKS, "disks", inputs={"reclaimPolicy": "Retain"}),
        ]
    )
    assert text.splitlines() == [
        "protected, so that nothing is destroyed: orders",
        "  to destroy it all the same: set protect to false and update first",
        "stays, and costs until it is deleted by hand:",
        "  KafkaTopic id-orders",
        "  the disks of claims, id-claim: EBS volumes",
        "  to have it go as well: set retain to false and update first",
    ]


def test_of_a_stack_that_keeps_nothing_nothing_stays() -> None:
    disks = resource(DISKS, "disks", inputs={"reclaimPolicy": "Delete"})
    assert report([resource(TOPIC, "orders"), disks]) == "nothing stays\n"
    assert report([]) == "nothing stays\n"
