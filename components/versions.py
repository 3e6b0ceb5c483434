# SPDX-License-Identifier: Apache-2.0
"""Versions of what the cloud stacks are made of, with the dates until which they are supported."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

KONG_CHART = "3.0.2"
"""The kong/kong chart of the stack `konnect`."""

KONG_IMAGE_TAG = "3.10"


@dataclass(frozen=True)
class Support:
    """Until when EKS supports a Kubernetes minor version; after ``standard`` at a surcharge."""

    standard: date
    extended: date


# EKS user guide, "Understand the Kubernetes version lifecycle on EKS", as of April 2026. One minor
# version at a time upward, never down.
KUBERNETES_VERSIONS = {
    "1.32": Support(date(2026, 3, 23), date(2027, 3, 23)),
    "1.33": Support(date(2026, 7, 29), date(2027, 7, 29)),
    "1.34": Support(date(2026, 12, 2), date(2027, 12, 2)),
    "1.35": Support(date(2027, 3, 27), date(2028, 3, 27)),
}
