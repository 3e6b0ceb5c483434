# SPDX-License-Identifier: Apache-2.0
"""Helm releases: the chart with its version, and what makes an interrupted one recover."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import yaml

from components.cloud.kubernetes import KubernetesCluster
from components.config.versions import KONG_CHART_REPOSITORY, KONG_CHART_VERSION

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_SECONDS = 900
NAME = "kong"
"""What both charts put behind the release's name, so that objects have the names people know."""


@dataclass(frozen=True)
class Chart:
    """A chart: a path relative to the project (an absolute one would differ between machines), or
    a name in a repository.
    """

    chart: str
    version: str
    repository: str = ""


def own_chart() -> Chart:
    """Return this project's chart; its version holds a digest of its content."""
    described = yaml.safe_load((ROOT / "gateway" / "chart" / "Chart.yaml").read_text())
    return Chart("./gateway/chart", str(described["version"]))


def kong_chart() -> Chart:
    """Return Kong's chart, for stacks on Konnect."""
    return Chart("kong", KONG_CHART_VERSION, KONG_CHART_REPOSITORY)


def release(
    name: str,
    chart: Chart,
    release_name: str,
    namespace: str,
    values: Mapping[str, Any],
    cluster: KubernetesCluster,
    parent: pulumi.Resource,
    depends_on: Sequence[pulumi.Resource] = (),
    uninstall: bool = False,
) -> kubernetes.helm.v3.Release:
    """Register a release that is undone as a whole when it does not become ready.

    With ``uninstall`` it is taken down even when its cluster goes too: what it made outside, a load
    balancer in the cluster's network, would else stay and hold the network.
    """
    repository = {"repo": chart.repository} if chart.repository else None
    inside = cluster.options(parent, *cluster.ready, *depends_on)
    if uninstall:
        inside.deleted_with = None
    own = pulumi.ResourceOptions(
        custom_timeouts=pulumi.CustomTimeouts(create="20m", update="20m", delete="15m"),
    )
    return kubernetes.helm.v3.Release(
        name,
        name=release_name,
        chart=chart.chart,
        version=chart.version,
        repository_opts=repository,  # type: ignore[arg-type]  # a mapping does as well
        namespace=namespace,
        create_namespace=False,
        values={"nameOverride": NAME, **values},
        # Without these, an interrupted release stays "in progress" for ever.
        atomic=True,
        cleanup_on_fail=True,
        timeout=TIMEOUT_SECONDS,
        max_history=5,
        opts=pulumi.ResourceOptions.merge(inside, own),
    )
