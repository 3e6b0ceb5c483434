# SPDX-License-Identifier: Apache-2.0
"""What stays when a stack is destroyed, by its state (`pulumi stack export`) on stdin."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

DISKS = "kubernetes:storage.k8s.io/v1:StorageClass"
CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"


def main() -> None:
    """Print it."""
    state = json.load(sys.stdin)
    sys.stdout.write(report((state.get("deployment") or {}).get("resources") or []))


def report(resources: Sequence[Mapping[str, Any]]) -> str:
    """Return the lines: what is protected, what stays and costs, or that nothing does."""
    protected = sorted(_name(one) for one in resources if one.get("protect"))
    kept = list(_kept(resources))
    lines = []
    if protected:
        lines.append(f"protected, so that nothing is destroyed: {', '.join(protected)}")
        lines.append("  to destroy it all the same: set protect to false and update first")
    if kept:
        lines.append("stays, and costs until it is deleted by hand:")
        lines += [f"  {one}" for one in kept]
        lines.append("  to have it go as well: set retain to false and update first")
    return "\n".join(lines or ["nothing stays"]) + "\n"


def _kept(resources: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for one in resources:
        if not one.get("retainOnDelete"):
            continue
        kind = one["type"].rpartition(":")[2]
        yield f"{kind} {one.get('id') or _name(one)}"
    keeping = [
        one for one in resources if one["type"] == DISKS and _inputs(one).get("reclaimPolicy")
    ]
    if any(_inputs(one)["reclaimPolicy"] == "Retain" for one in keeping):
        claims = [str(one["id"]) for one in resources if one["type"] == CLAIM]
        yield f"the disks of claims, {', '.join(claims) or 'each of them'}: EBS volumes"


def _inputs(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    return resource.get("inputs") or {}


def _name(resource: Mapping[str, Any]) -> str:
    return str(resource["urn"]).rsplit("::", 1)[-1]


if __name__ == "__main__":
    main()
