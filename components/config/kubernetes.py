# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes cluster of a cloud stack: an EKS cluster to make, or one that is there already."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from components.config.network_plan import NetworkPlanError, plan_network
from components.config.reader import ConfigReader
from components.config.regions import region_problem
from components.config.secret import Secret
from components.config.versions import KUBERNETES_VERSIONS

VPC_ID = re.compile(r"^vpc-[0-9a-f]{8,17}$")
ROUTE_TABLE_ID = re.compile(r"^rtb-[0-9a-f]{8,17}$")
ARN_ROLE = re.compile(r"^arn:aws:iam::\d{12}:(role|user)/.+$")
LOG_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""Retention as CloudWatch Logs has it (API reference, "PutRetentionPolicy")."""
ACCESS = ("adminArns", "viewerArns", "renewalArns")
INSTANCE_TYPE = re.compile(
    r"^(?P<family>[a-z]+)\d+(?P<attributes>[a-z]*)(-[a-z0-9]+)*"
    r"\.(nano|micro|small|medium|(\d+)?x?large|metal(-\d+xl)?)$"
)
"""Family, generation, attributes and size (Amazon EC2 user guide, "Naming conventions")."""


@dataclass(frozen=True)
class PeerConfig:
    """A network that is there already, in the same account and region, to join the cluster's to."""

    vpc_id: str
    cidr: str
    route_table_ids: tuple[str, ...]


@dataclass(frozen=True)
class EksConfig:
    """An EKS cluster to make.

    ``public_access_cidrs`` may reach the public endpoint, ``private_access_cidrs`` the private one:
    the peer's network is among them.
    """

    name: str
    region: str
    version: str
    mode: str
    instance_type: str
    nodes: int
    min_nodes: int
    max_nodes: int
    vpc_cidr: str
    zones: int
    nat_gateways: int
    log_days: int
    public_endpoint: bool
    public_access_cidrs: tuple[str, ...]
    private_access_cidrs: tuple[str, ...]
    peer: PeerConfig | None
    admin_arns: tuple[str, ...]
    viewer_arns: tuple[str, ...]
    renewal_arns: tuple[str, ...]

    @property
    def arm(self) -> bool:
        """Tell whether nodes have AWS's own processors, which another image of theirs is for."""
        found = INSTANCE_TYPE.match(self.instance_type)
        return bool(found and (found["family"] == "a" or "g" in found["attributes"]))

    @property
    def scales_nodes(self) -> bool:
        """Tell whether something of the stack's own decides how many nodes there are."""
        return self.mode == "nodegroup" and self.min_nodes < self.max_nodes


@dataclass(frozen=True)
class ExistingClusterConfig:
    """A Kubernetes cluster that is there already."""

    kubeconfig: Secret
    identifier: str


def read_cluster(reader: ConfigReader) -> EksConfig | ExistingClusterConfig:
    """Take the cluster's values; problems are the reader's to raise."""
    if reader.choice("cluster", ("eks", "existing")) == "existing":
        kubeconfig = reader.secret("kubeconfig", "an existing cluster is reached with it")
        return ExistingClusterConfig(kubeconfig, reader.text("clusterIdentifier"))
    region = reader.text("clusterRegion")
    if problem := region_problem("AWS", region):
        reader.problem("clusterRegion", problem)
    nodes = reader.integer("nodes", 1, 450)
    most = reader.integer("maxNodes", 0, 450) or nodes
    if most < nodes:
        reader.problem("maxNodes", f"{most} is less than nodes, {nodes}")
    least = reader.integer("minNodes", 0, 450) or nodes
    if least > nodes:
        reader.problem("minNodes", f"{least} is more than nodes, {nodes}")
    zones = reader.integer("zones", 2, 6)
    gateways = reader.integer("natGateways", 1, 6)
    if gateways > zones:
        reader.problem("natGateways", f"{gateways} is more than zones, {zones}")
    vpc_cidr = _vpc(reader, zones)
    peer = _peer(reader, vpc_cidr)
    return EksConfig(
        name=reader.text("clusterName"),
        region=region,
        version=reader.choice("kubernetesVersion", tuple(KUBERNETES_VERSIONS)),
        mode=reader.choice("clusterMode", ("nodegroup", "auto")),
        instance_type=_instance_type(reader),
        nodes=nodes,
        min_nodes=least,
        max_nodes=most,
        vpc_cidr=vpc_cidr,
        zones=zones,
        nat_gateways=gateways,
        log_days=_log_days(reader),
        public_endpoint=_public(reader, peer),
        public_access_cidrs=_networks(reader, "publicAccessCidrs"),
        private_access_cidrs=_private_access(reader, peer),
        peer=peer,
        admin_arns=_arns(reader, "adminArns"),
        viewer_arns=_arns(reader, "viewerArns"),
        renewal_arns=_arns(reader, "renewalArns"),
    )


def _log_days(reader: ConfigReader) -> int:
    days = reader.integer("clusterLogDays", 1, LOG_DAYS[-1])
    if days not in LOG_DAYS:
        allowed = ", ".join(str(one) for one in LOG_DAYS)
        reader.problem("clusterLogDays", f"{days} is none that CloudWatch has; allowed: {allowed}")
    return days


def _instance_type(reader: ConfigReader) -> str:
    text = reader.text("nodeType")
    if not INSTANCE_TYPE.match(text):
        reader.problem("nodeType", f"{text!r} is no instance type such as t3.large")
    return text


def _vpc(reader: ConfigReader, zones: int) -> str:
    text = reader.text("vpcCidr")
    try:
        return plan_network(text, zones).vpc_cidr
    except NetworkPlanError as error:
        key, _, problem = str(error).partition(": ")
        reader.problem(key, problem)
        return text


def _public(reader: ConfigReader, peer: PeerConfig | None) -> bool:
    public = reader.boolean("publicEndpoint")
    if not public and peer is None and not reader.items("privateAccessCidrs"):
        reader.problem(
            "publicEndpoint",
            "False, and nothing says from where the Kubernetes API is reached; set peerVpcId (a "
            "network to join) or privateAccessCidrs (networks that reach this one already)",
        )
    return public


def _private_access(reader: ConfigReader, peer: PeerConfig | None) -> tuple[str, ...]:
    key = "privateAccessCidrs"
    given = _networks(reader, key)
    if "0.0.0.0/0" in given:
        reader.problem(key, "'0.0.0.0/0' is every network; allowed: those that need access")
    joined = () if peer is None else (peer.cidr,)
    # In a fixed order, each once: the place in the list means nothing.
    return tuple(sorted({*given, *joined}))


def _peer(reader: ConfigReader, vpc_cidr: str) -> PeerConfig | None:
    """Return the network to join, which must not overlap the cluster's own."""
    vpc_id, tables = reader.text("peerVpcId"), reader.items("peerRouteTableIds")
    if not vpc_id:
        for key in ("peerCidr", "peerRouteTableIds"):
            if reader.text(key) not in ("", "[]"):
                reader.problem(key, "without peerVpcId; set both, or neither")
        return None
    why = "the network of peerVpcId is routed to with it"
    cidr = _network(reader, "peerCidr", reader.needed("peerCidr", why) or "192.168.0.0/24")
    if not VPC_ID.match(vpc_id):
        reader.problem("peerVpcId", f"{vpc_id!r} is not the id of a VPC such as vpc-0a1b2c3d")
    if not tables:
        reader.problem("peerRouteTableIds", "missing; without a route nothing finds its way here")
    for table in tables:
        if not ROUTE_TABLE_ID.match(table):
            reader.problem(
                "peerRouteTableIds",
                f"{table!r} is not the id of a route table such as rtb-0a1b2c3d",
            )
    if _overlap(cidr, vpc_cidr):
        reader.problem("peerCidr", f"{cidr!r} overlaps vpcCidr, {vpc_cidr}; give one another range")
    return PeerConfig(vpc_id, cidr, tables)


def _overlap(one: str, other: str) -> bool:
    try:
        return ipaddress.IPv4Network(one).overlaps(ipaddress.IPv4Network(other))
    except ValueError:
        # Already a problem of its own key.
        return False


def _networks(reader: ConfigReader, key: str) -> tuple[str, ...]:
    return tuple(_network(reader, key, cidr) for cidr in reader.items(key))


def _network(reader: ConfigReader, key: str, text: str) -> str:
    try:
        return str(ipaddress.IPv4Network(text))
    except ValueError:
        reader.problem(key, f"{text!r} is no IPv4 network such as 10.0.0.0/16")
        return "10.0.0.0/16"


def _arns(reader: ConfigReader, key: str) -> tuple[str, ...]:
    """Return who gets in by ``key``; EKS has one entry for each, so one kind of access."""
    arns = reader.items(key)
    for arn in arns:
        if not ARN_ROLE.match(arn):
            reader.problem(key, f"{arn!r} is not the ARN of an IAM role or user")
        for other in ACCESS[: ACCESS.index(key)]:
            if arn in reader.items(other):
                reader.problem(key, f"{arn!r} is in {other} as well; keep it in one of the two")
    return arns
