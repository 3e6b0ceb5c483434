# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes cluster of a cloud stack: an EKS cluster to make, or one that is there already."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from components.config.reader import ConfigReader
from components.config.secret import Secret
from components.network_plan import NetworkPlanError, plan_network
from components.versions import KUBERNETES_VERSIONS

AWS_REGION = re.compile(r"^[a-z]{2}(-[a-z]+)+-\d$")
ARN_ROLE = re.compile(r"^arn:aws[a-z-]*:iam::\d{12}:(role|user)/.+$")


@dataclass(frozen=True)
class EksConfig:
    """An EKS cluster to make."""

    name: str
    region: str
    version: str
    mode: str
    instance_type: str
    nodes: int
    max_nodes: int
    vpc_cidr: str
    zones: int
    nat_gateways: int
    public_endpoint: bool
    public_access_cidrs: tuple[str, ...]
    admin_arns: tuple[str, ...]


@dataclass(frozen=True)
class ExistingClusterConfig:
    """A Kubernetes cluster that is there already."""

    kubeconfig: Secret
    identifier: str


def read_cluster(reader: ConfigReader) -> EksConfig | ExistingClusterConfig:
    """Take the cluster's values; problems are the reader's to raise."""
    if reader.choice("cluster", ("eks", "existing"), "eks") == "existing":
        kubeconfig = reader.secret("kubeconfig", "an existing cluster is reached with it")
        return ExistingClusterConfig(kubeconfig, reader.text("clusterIdentifier"))
    region = reader.text("clusterRegion", "us-west-1")
    if not AWS_REGION.match(region):
        reader.problem("clusterRegion", f"{region!r} is no AWS region such as us-west-1")
    nodes = reader.integer("nodes", 1, 450, 1)
    most = reader.integer("maxNodes", 0, 450, 0) or nodes
    if most < nodes:
        reader.problem("maxNodes", f"{most} is less than nodes, {nodes}")
    public = reader.boolean("publicEndpoint", default=True)
    zones = reader.integer("zones", 2, 6, 2)
    gateways = reader.integer("natGateways", 1, 6, 1)
    if gateways > zones:
        reader.problem("natGateways", f"{gateways} is more than zones, {zones}")
    return EksConfig(
        name=reader.text("clusterName", "konnect-dataplane"),
        region=region,
        version=reader.choice("kubernetesVersion", tuple(KUBERNETES_VERSIONS)),
        mode=reader.choice("clusterMode", ("nodegroup", "auto"), "nodegroup"),
        instance_type=reader.text("nodeType", "t3.large"),
        nodes=nodes,
        max_nodes=most,
        vpc_cidr=_vpc(reader, zones),
        zones=zones,
        nat_gateways=gateways,
        public_endpoint=public,
        public_access_cidrs=tuple(
            _network(reader, "publicAccessCidrs", cidr)
            for cidr in reader.items("publicAccessCidrs")
        ),
        admin_arns=_arns(reader),
    )


def _vpc(reader: ConfigReader, zones: int) -> str:
    text = reader.text("vpcCidr", "10.0.0.0/16")
    try:
        return plan_network(text, zones).vpc_cidr
    except NetworkPlanError as error:
        key, _, problem = str(error).partition(": ")
        reader.problem(key, problem)
        return text


def _network(reader: ConfigReader, key: str, text: str) -> str:
    try:
        return str(ipaddress.IPv4Network(text))
    except ValueError:
        reader.problem(key, f"{text!r} is no IPv4 network such as 10.0.0.0/16")
        return "10.0.0.0/16"


def _arns(reader: ConfigReader) -> tuple[str, ...]:
    arns = reader.items("adminArns")
    for arn in arns:
        if not ARN_ROLE.match(arn):
            reader.problem("adminArns", f"{arn!r} is not the ARN of an IAM role or user")
    return arns
