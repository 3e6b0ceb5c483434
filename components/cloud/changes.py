# SPDX-License-Identifier: Apache-2.0
"""Changes of a live stack that a cloud refuses, or makes by way of a loss: refused at the preview.

Each names the way that exists instead.
"""

from __future__ import annotations

from components.cloud.live import LiveCluster, LiveStack, live_cluster
from components.config.cloud import CloudConfig, ConfluentConfig
from components.config.kubernetes import EksConfig
from components.config.reader import ConfigReader

BESIDE = "make a second stack with it, and move over: docs/operations.md, Changes of a live stack"


def refuse_changes(reader: ConfigReader, config: CloudConfig, live: LiveStack) -> None:
    """Raise ``ConfigError`` with every change that cannot be made to what is live."""
    if isinstance(config.cluster, EksConfig):
        found = live_cluster(live, "cluster", config.cluster.region)
        _refuse_network(reader, config.cluster, found)
        if found.name not in ("", config.cluster.name):
            reader.problem(
                "clusterName",
                f"{config.cluster.name!r} in place of {found.name}: everything would be deleted "
                f"before the new one is made; {BESIDE}",
            )
        if found.version:
            _refuse_version(reader, config.cluster.version, found)
            _refuse_mode(reader, config.cluster.mode, auto=found.auto)
    if isinstance(config.kafka, ConfluentConfig):
        _refuse_type(reader, config.kafka.cluster_type, live)
    reader.done()


def _refuse_version(reader: ConfigReader, wanted: str, found: LiveCluster) -> None:
    """EKS upgrades by one minor version and never goes back; nodes may not be left behind.

    Amazon EKS user guide, "Update existing cluster to new Kubernetes version".
    """
    key, new, old = "kubernetesVersion", _minor(wanted), _minor(found.version)
    behind = found.nodes is not None and found.nodes.version not in ("", found.version)
    if new < old:
        reader.problem(
            key, f"{wanted!r} is older than the cluster's, {found.version}, and EKS never goes back"
        )
    elif new > old + 1:
        step = f"1.{old + 1}"
        reader.problem(
            key,
            f"{wanted!r} is more than one minor version from the cluster's, {found.version}; "
            f"allowed: {step}, and the next one when its update is through",
        )
    elif new > old and behind and found.nodes is not None:
        reader.problem(
            key,
            f"{wanted!r}, while nodes still run {found.nodes.version} on a cluster of "
            f"{found.version}; set {found.version} and update first, so that they follow",
        )


def _minor(version: str) -> int:
    return int(version.split(".")[1])


def _refuse_mode(reader: ConfigReader, wanted: str, *, auto: bool) -> None:
    live = "auto" if auto else "nodegroup"
    if wanted != live:
        # The volumes of one mode's driver cannot be taken over by the other's, and the class of a
        # load balancer cannot change: the control plane would lose its data, clients their address.
        reader.problem("clusterMode", f"{wanted!r} on a cluster that is {live!r}; {BESIDE}")


def _refuse_network(reader: ConfigReader, wanted: EksConfig, found: LiveCluster) -> None:
    if found.vpc_cidr not in ("", wanted.vpc_cidr):
        reader.problem(
            "vpcCidr",
            f"{wanted.vpc_cidr!r} in place of {found.vpc_cidr}: another network is another "
            f"cluster; {BESIDE}",
        )
    if wanted.zones < found.control_zones:
        # "The subnets must be in the same set of Availability Zones" (UpdateClusterConfig).
        reader.problem(
            "zones",
            f"{wanted.zones} is less than the {found.control_zones} that the cluster was made "
            f"in, and EKS leaves none; allowed: from {found.control_zones}",
        )


def _refuse_type(reader: ConfigReader, wanted: str, live: LiveStack) -> None:
    """Only basic becomes standard in place (docs.confluent.io, "Kafka Cluster Types")."""
    cluster = live.one("confluentcloud:index/kafkaCluster:KafkaCluster")
    kinds = ("basic", "standard", "dedicated", "enterprises", "freights")
    found = next((kind for kind in kinds if cluster.get(kind) not in (None, [])), wanted)
    if wanted != found and (found, wanted) != ("basic", "standard"):
        allowed = "basic, standard" if found == "basic" else found
        reader.problem(
            "confluentClusterType",
            f"{wanted!r} in place of {found}: it would be another, empty cluster; allowed: "
            f"{allowed}, or {BESIDE}",
        )
