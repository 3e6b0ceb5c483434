# SPDX-License-Identifier: Apache-2.0
"""Kubernetes on EKS, and certificates in a cluster, for programs of others."""

from typing import Required, TypedDict

import pulumi

from components.cloud.certificates import ClusterCertificates as _ClusterCertificates
from components.cloud.certificates import ClusterCertificatesArgs
from components.cloud.control_plane import control_plane_names
from components.cloud.eks import EksCluster as _EksCluster
from components.cloud.eks import EksClusterArgs, server_address
from components.cloud.live import LiveStack, live_cluster
from components.config.cloud import read_namespace, read_tags
from components.config.kubernetes import EksConfig, read_cluster
from components.config.secret import secret
from components.package.arguments import ComponentArguments
from components.package.wire import DataPlaneIdentity, cluster_of, value_after

EKS_KEYS = {
    "cluster_name": "clusterName",
    "region": "clusterRegion",
    "kubernetes_version": "kubernetesVersion",
    "mode": "clusterMode",
    "node_type": "nodeType",
    "nodes": "nodes",
    "min_nodes": "minNodes",
    "max_nodes": "maxNodes",
    "vpc_cidr": "vpcCidr",
    "zones": "zones",
    "nat_gateways": "natGateways",
    "log_days": "clusterLogDays",
    "public_endpoint": "publicEndpoint",
    "public_access_cidrs": "publicAccessCidrs",
    "private_access_cidrs": "privateAccessCidrs",
    "peer_vpc_id": "peerVpcId",
    "peer_cidr": "peerCidr",
    "peer_route_table_ids": "peerRouteTableIds",
    "admin_arns": "adminArns",
    "viewer_arns": "viewerArns",
    "renewal_arns": "renewalArns",
    "tags": "tags",
    "protect": "protect",
    "retain": "retain",
}


class EksClusterInputs(TypedDict, total=False):
    """The arguments; what is left out has the default of its key in docs/reference/config.md."""

    cluster_name: str
    """Name of the cluster."""
    region: str
    """A region of AWS."""
    kubernetes_version: str
    """The minor version, such as `1.35`."""
    mode: str
    """`nodegroup`, or `auto` for EKS auto mode."""
    node_type: str
    """Instance type of a node group's nodes."""
    nodes: int
    """How many nodes there are at first."""
    min_nodes: int
    """The fewest that there may be; 0: as many as `nodes`."""
    max_nodes: int
    """The most that there may be; 0: as many as `nodes`."""
    vpc_cidr: str
    """The network's range."""
    zones: int
    """In how many availability zones it is."""
    nat_gateways: int
    """How many ways out there are."""
    log_days: int
    """How many days the control plane's logs are kept."""
    public_endpoint: bool
    """Whether the Kubernetes API is reached from the internet."""
    public_access_cidrs: list[str]
    """From where, then."""
    private_access_cidrs: list[str]
    """Networks that reach the private endpoint."""
    peer_vpc_id: str
    """A network to join."""
    peer_cidr: str
    """Its range."""
    peer_route_table_ids: list[str]
    """Its route tables."""
    admin_arns: list[str]
    """Roles and users that administer the cluster."""
    viewer_arns: list[str]
    """Roles and users that may look."""
    renewal_arns: list[str]
    """Roles and users that renew certificates."""
    tags: dict[str, str]
    """Tags of what is made on AWS."""
    protect: bool
    """Whether network and cluster are protected."""
    retain: bool
    """Whether volumes stay that lose their claim."""


class EksCluster(_EksCluster):
    """A VPC with public and private subnets, EKS in it with a pinned version, and its nodes."""

    kubeconfig: pulumi.Output[str]
    """The way in, once nodes and volumes are there."""
    identifier: pulumi.Output[str]
    """Another one is another cluster: what lies in it is made again."""
    storage_class: pulumi.Output[str]
    """The class of volumes that survive a zone's pods."""

    def __init__(
        self, name: str, args: EksClusterInputs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        given = ComponentArguments(f"EksCluster {name}", EKS_KEYS, args, cluster="eks")
        config = read_cluster(given)
        assert isinstance(config, EksConfig), "as `cluster` says"
        live = live_cluster(LiveStack.of_this_run(), name, config.region)
        made = EksClusterArgs(
            config, read_tags(given), given.boolean("protect"), given.boolean("retain"), live
        )
        given.done()
        super().__init__(name, made, opts)
        found = self.cluster
        ready = [resource.urn for resource in found.ready]
        self.kubeconfig = secret(value_after(found.kubeconfig, *ready))
        self.identifier = pulumi.Output.unsecret(found.kubeconfig.apply(server_address))
        self.storage_class = pulumi.Output.from_input(found.storage_class)


class ClusterCertificatesInputs(TypedDict, total=False):
    """The arguments."""

    kubeconfig: Required[pulumi.Input[str]]
    """The cluster."""
    cluster_identifier: pulumi.Input[str]
    """Another one is another cluster; none: another kubeconfig is."""
    namespace: Required[str]
    """The namespace, which is made."""
    own_control_plane: bool
    """Whether a `ControlPlaneRelease` is to have a certificate."""
    authority_pem: str
    """Authority of a control plane that is there already, PEM."""
    pod_security: str
    """The Pod Security Standard that the namespace enforces, `restricted` by default."""


class ClusterCertificates(_ClusterCertificates):
    """A namespace with an authority, a certificate for data planes and one for a control plane.

    Each is renewed by an update within a month of its end.
    """

    certificates: DataPlaneIdentity
    """For `ControlPlaneRelease` and `DataPlaneRelease`, which come after the secrets."""

    def __init__(
        self, name: str, args: ClusterCertificatesInputs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        keys = {"namespace": "namespace"}
        given = ComponentArguments(f"ClusterCertificates {name}", keys, args)
        namespace = read_namespace(given)
        given.done()
        own = args.get("own_control_plane")
        made = ClusterCertificatesArgs(
            cluster=cluster_of(name, args),
            namespace=namespace,
            control_plane_names=control_plane_names(namespace) if own else (),
            pod_security=args.get("pod_security") or "restricted",
            ca_pem=args.get("authority_pem") or "",
        )
        super().__init__(name, made, opts)
        identity, there = self.identity, [one.urn for one in self.secrets]
        self.certificates = {
            "authorityPem": identity.ca_pem,
            "certificatePem": identity.certificate_pem,
            "privateKeyPem": secret(identity.private_key_pem),
            # What takes it comes after the namespace and its secrets.
            "fingerprint": value_after(self.data_plane_fingerprint, *there),
        }
        if self.control_plane_fingerprint is not None:
            self.certificates["controlPlaneFingerprint"] = self.control_plane_fingerprint
