# SPDX-License-Identifier: Apache-2.0
"""Versions that the cloud stacks pin, with the dates until which they are supported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType


@dataclass(frozen=True)
class KubernetesVersion:
    """One minor version on EKS: until when it is supported."""

    standard_until: date
    extended_until: date

    def support(self, today: date) -> str:
        """Return ``standard``, ``extended`` (six times the price) or ``ended`` for that day."""
        if today < self.standard_until:
            return "standard"
        return "extended" if today < self.extended_until else "ended"


# Amazon EKS user guide, "Kubernetes release calendar". One minor upwards at a time, no way back.
KUBERNETES_VERSIONS: Mapping[str, KubernetesVersion] = MappingProxyType(
    {
        "1.33": KubernetesVersion(date(2026, 7, 29), date(2027, 7, 29)),
        "1.34": KubernetesVersion(date(2026, 12, 2), date(2027, 12, 2)),
        "1.35": KubernetesVersion(date(2027, 3, 27), date(2028, 3, 27)),
        "1.36": KubernetesVersion(date(2027, 8, 2), date(2028, 8, 2)),
    }
)

KONG_CHART_REPOSITORY = "https://charts.konghq.com"
# Prepared by Kong/charts pull request 1286 of 2025-03-25. `servicePort: 0`, which takes plain HTTP
# off the load balancer, is there since 2.39.0 (its CHANGELOG.md). 2.51.0 is out too, with another
# ingress controller, which is not used here.
KONG_CHART_VERSION = "2.48.0"
# The latest patch of 3.10, of 2026-05-14, in Kong/developer.konghq.com,
# app/_data/changelogs/_dates.yml.
KONG_IMAGE_TAG = "3.10.0.11"
"""Kong's own chart and image, for stacks on Konnect: the level this gateway is compatible with."""

AUTOSCALER_CHART_REPOSITORY = "https://kubernetes.github.io/autoscaler"
AUTOSCALER_CHART_VERSION = "9.52.1"
"""The chart of the autoscaler of nodes; its image follows the Kubernetes version."""
