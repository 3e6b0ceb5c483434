# SPDX-License-Identifier: Apache-2.0
"""What the stack is made of at present, by its state: what a change is held against.

Read by the engine's own function, before anything is registered: a change that would hurt what is
live is refused like any other wrong configuration, and what was chosen once stays chosen.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import pulumi
from google.protobuf import struct_pb2
from pulumi.runtime import settings
from pulumi.runtime.proto import resource_pb2

from provider.values import decode

_UNREADABLE = "failed to load checkpoint"
"""What the engine says of a state that is half written, or damaged."""
_TRIES, _PAUSE = 50, 0.2
"""How often a state that cannot be read is asked for, and the seconds in between."""
READ = "pulumi:pulumi:readStackResourceOutputs"
"""Every resource of a stack's last state (pulumi/pulumi, `pkg/resource/deploy/builtins.go`)."""


class LiveStack:
    """The resources of the state: outputs by type and name. A stack that is not there has none."""

    def __init__(self, resources: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        self._resources = resources

    @classmethod
    def of_this_run(cls) -> LiveStack:
        """Ask the engine; raises what it says when the state cannot be read."""
        name = "/".join((pulumi.get_organization(), pulumi.get_project(), pulumi.get_stack()))
        arguments = struct_pb2.Struct()
        arguments.update({"stackName": name})
        # Not by `pulumi.runtime.invoke`: it would look every resource up that an output refers to,
        # and none is registered yet.
        request = resource_pb2.ResourceInvokeRequest(tok=READ, args=arguments)
        answer = _invoke(request)
        # `return` is a keyword, and the field's name.
        found, _ = decode(getattr(answer, "return"))
        kept: dict[str, dict[str, Mapping[str, Any]]] = {}
        for urn, resource in (found.get("outputs") or {}).items():
            name = urn.rsplit("::", 1)[-1]
            kept.setdefault(resource["type"], {})[name] = resource.get("outputs") or {}
        return cls(kept)

    def all(self, token: str) -> Mapping[str, Mapping[str, Any]]:
        """Return the outputs of each resource of one type by name."""
        return self._resources.get(token, {})

    def one(self, token: str) -> Mapping[str, Any]:
        """Return the outputs of the only resource of one type, or nothing."""
        return next(iter(self.all(token).values()), {})


def _invoke(request: resource_pb2.ResourceInvokeRequest) -> Any:
    """Ask until the state can be read: the engine writes it meanwhile, where it is in a file.

    That is so where a component of the package is made after other resources.
    """
    monitor = settings.get_monitor()
    assert monitor is not None, "there is one wherever a program runs"
    for _ in range(_TRIES - 1):
        try:
            return monitor.Invoke(request)
        except grpc.RpcError as error:
            if _UNREADABLE not in str(error):
                raise
        time.sleep(_PAUSE)
    return monitor.Invoke(request)


NOTHING = LiveStack({})
"""A stack that is yet to be made."""


@dataclass(frozen=True)
class LiveNodes:
    """A managed node group that is there."""

    name: str
    version: str
    least: int
    most: int
    instance_types: tuple[str, ...]
    subnets: int


@dataclass(frozen=True)
class LiveCluster:
    """An EKS cluster that is there, or as much of it as was made.

    ``zones`` are those of its subnets in their order; ``control_zones`` is in how many of them the
    cluster itself has subnets, 0 where it has not been made.
    """

    name: str = ""
    version: str = ""
    auto: bool = False
    vpc_cidr: str = ""
    zones: tuple[str, ...] = ()
    control_zones: int = 0
    nodes: LiveNodes | None = None
    logs_unmanaged: bool = False
    """EKS has made the group of its logs, which is none of the stack's yet."""
    takes_role: bool = True
    """The cluster acts in a role of ours, or will: it is not there yet."""


def live_cluster(live: LiveStack, name: str, region: str) -> LiveCluster:
    """Return what is there of the cluster that the component ``name`` makes.

    In another region nothing of it is kept.
    """
    if live.one("pulumi:providers:aws").get("region") != region:
        return LiveCluster()
    cluster = live.one("aws:eks/cluster:Cluster")
    subnets = live.all("aws:ec2/subnet:Subnet")
    names = [f"{name}-public-{place}" for place in range(len(subnets))]
    return LiveCluster(
        name=str(cluster.get("name") or ""),
        version=str(cluster.get("version") or ""),
        auto=bool((cluster.get("computeConfig") or {}).get("enabled")),
        vpc_cidr=str(live.one("aws:ec2/vpc:Vpc").get("cidrBlock") or ""),
        zones=tuple(str(subnets[one]["availabilityZone"]) for one in names if one in subnets),
        # One public and one private subnet in each.
        control_zones=len((cluster.get("vpcConfig") or {}).get("subnetIds") or ()) // 2,
        nodes=_live_nodes(live.one("aws:eks/nodeGroup:NodeGroup")),
        logs_unmanaged=bool(cluster) and not live.all("aws:cloudwatch/logGroup:LogGroup"),
        takes_role=not cluster or f"{name}-control" in live.all("aws:iam/role:Role"),
    )


def _live_nodes(group: Mapping[str, Any]) -> LiveNodes | None:
    if not group:
        return None
    scaling = group["scalingConfig"]
    return LiveNodes(
        name=str(group["nodeGroupName"]),
        version=str(group.get("version") or ""),
        least=int(scaling["minSize"]),
        most=int(scaling["maxSize"]),
        instance_types=tuple(group.get("instanceTypes") or ()),
        subnets=len(group.get("subnetIds") or ()),
    )


def live_settings(live: LiveStack) -> Mapping[str, Mapping[str, str]]:
    """Return the settings that topics on Confluent Cloud have, by the topic's name."""
    topics = live.all("confluentcloud:index/kafkaTopic:KafkaTopic").values()
    return {str(topic["topicName"]): topic.get("config") or {} for topic in topics}


def claim_unmanaged(live: LiveStack, name: str) -> bool:
    """Tell whether the release ``name`` has a volume whose claim is none of the stack's yet."""
    releases = live.all("kubernetes:helm.sh/v3:Release")
    return name in releases and not live.all("kubernetes:core/v1:PersistentVolumeClaim")
