# SPDX-License-Identifier: Apache-2.0
"""Kubernetes on EKS: the cluster in its network, its nodes, its volumes and the way in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks

from components.cloud.access import join_networks, let_in
from components.cloud.addons import ClusterAddons, enforced_policies
from components.cloud.autoscaler import make_autoscaler
from components.cloud.aws import AwsResources
from components.cloud.eks_control_plane import (
    LOG_TYPES,
    ControlPlaneRole,
    control_plane_log,
    control_plane_role,
)
from components.cloud.kubernetes import KubernetesCluster, kubernetes_provider
from components.cloud.live import LiveCluster
from components.cloud.load_balancer import LoadBalancer
from components.cloud.network import Network
from components.cloud.nodes import NodesArgs, make_nodes
from components.cloud.storage import STORAGE_CLASS, storage_class
from components.config.access_roles import RENEWERS, VIEWERS
from components.config.kubernetes import EksConfig
from components.config.network_plan import NetworkPlan
from components.config.secret import secret

ADMIN_POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
CLUSTER_TIMEOUTS = pulumi.CustomTimeouts(create="60m", update="90m", delete="60m")


@dataclass(frozen=True)
class EksClusterArgs:
    """What to make; ``retain`` leaves volumes behind that lose their claim.

    ``live`` is what was made before, of which some stays as it is.
    """

    cluster: EksConfig
    tags: Mapping[str, str]
    protect: bool
    retain: bool
    live: LiveCluster


class EksCluster(pulumi.ComponentResource):
    """A VPC with public and private subnets, EKS in it with a pinned version, and its nodes.

    People are admitted by access entries. EKS makes one for the identity that creates the cluster,
    so that one is not listed again.
    """

    def __init__(
        self, name: str, args: EksClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        # The token is in the URN of everything below: another one would replace a live cluster.
        super().__init__("kafka-gateway:eks:GatewayCluster", name, None, opts)
        self._name, self._args = name, args
        provider = aws.Provider(
            f"{name}-aws", region=args.cluster.region, opts=pulumi.ResourceOptions(parent=self)
        )
        tags = {**args.tags, "project": pulumi.get_project(), "stack": pulumi.get_stack()}
        self._resources = AwsResources(self, provider, name, args.cluster.name, tags)
        self.network = Network(self._resources, args.cluster, args.live.zones, protect=args.protect)
        log = control_plane_log(self._resources, args.cluster, adopted=args.live.logs_unmanaged)
        role = None
        if args.live.takes_role:
            role = control_plane_role(self._resources, args.cluster.mode)
        self.eks = self._eks(log, role)
        # The name by way of an output: what carries it waits for the cluster and goes before it
        # (pulumi/pulumi#9009).
        self._cluster_name = self.eks.kubeconfig_json.apply(lambda _: args.cluster.name)
        self._addons = ClusterAddons(self._resources, self._cluster_name, args.cluster.version)
        self.nodes = self._nodes() if args.cluster.mode == "nodegroup" else None
        self.cluster = self._kubernetes(self._access())
        if args.cluster.scales_nodes:
            make_autoscaler(self._resources, args.cluster, self._cluster_name, self.cluster)
        self.register_outputs({"name": self._cluster_name})

    def _eks(self, log: pulumi.Resource, role: ControlPlaneRole | None) -> eks.Cluster:
        wanted = self._args.cluster
        auto = wanted.mode == "auto"
        # EKS takes no subnets of further zones into a cluster (aws/containers-roadmap#2258): nodes
        # go there, and the cluster stays where it was made.
        own = self._args.live.control_zones or wanted.zones
        return eks.Cluster(
            self._name,
            name=wanted.name,
            version=wanted.version,
            vpc_id=self.network.vpc.id,
            public_subnet_ids=[subnet.id for subnet in self.network.public[:own]],
            private_subnet_ids=[subnet.id for subnet in self.network.private[:own]],
            endpoint_public_access=wanted.public_endpoint,
            endpoint_private_access=True,
            public_access_cidrs=list(wanted.public_access_cidrs) or None,
            # API only: an edit of the config map can lock every administrator out.
            authentication_mode=eks.AuthenticationMode.API,
            access_entries=access_entries(
                wanted.admin_arns, {VIEWERS: wanted.viewer_arns, RENEWERS: wanted.renewal_arns}
            ),
            skip_default_node_group=True,
            service_role=None if role is None else role.role,
            # Managed below, where they are upgraded with the cluster: the component leaves CoreDNS
            # alone without its own nodes.
            use_default_vpc_cni=True,
            kube_proxy_addon_options=eks.KubeProxyAddonOptionsArgs(enabled=False),
            coredns_addon_options=eks.CoreDnsAddonOptionsArgs(enabled=False),
            auto_mode=eks.AutoModeOptionsArgs(enabled=True) if auto else None,
            deletion_protection=self._args.protect,
            enabled_cluster_log_types=list(LOG_TYPES),
            # The default, EXTENDED, lets a forgotten cluster cost six times as much.
            upgrade_policy=aws.eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),
            tags=self._resources.tagged("cluster"),
            opts=pulumi.ResourceOptions(
                parent=self,
                providers={"aws": self._resources.provider},
                protect=self._args.protect,
                # Nodes need the way out when they come, and as long as they are there.
                depends_on=[*self.network.way_out, log, *(role.attached if role else ())],
                custom_timeouts=CLUSTER_TIMEOUTS,
                additional_secret_outputs=["kubeconfig", "kubeconfigJson"],
            ),
        )

    def _nodes(self) -> aws.eks.NodeGroup:
        args = NodesArgs(
            config=self._args.cluster,
            cluster_name=self._cluster_name,
            subnets=[subnet.id for subnet in self.network.private],
            zones=self.network.zones,
            after=self._addons.before_nodes(),
            live=self._args.live.nodes,
        )
        return make_nodes(self._resources, args)

    def _access(self) -> list[pulumi.Resource]:
        """Open the private endpoint to the networks that the configuration names."""
        wanted, resources = self._args.cluster, self._resources
        joined = [] if wanted.peer is None else join_networks(wanted.peer, self.network, resources)
        group = self.eks.cluster_security_group_id
        return [*joined, *let_in(wanted.private_access_cidrs, group, resources)]

    def _kubernetes(self, access: Sequence[pulumi.Resource]) -> KubernetesCluster:
        kubeconfig = secret(self.eks.kubeconfig_json)
        wanted, nodes = self._args.cluster, self.nodes
        provider = kubernetes_provider(
            # By its address, not its name: another cluster of the same name is empty, and
            # everything in it is to be made again (pulumi/pulumi-kubernetes#2745).
            f"{self._name}-kubernetes",
            kubeconfig,
            pulumi.Output.unsecret(self.eks.kubeconfig_json.apply(server_address)),
            self,
            self.eks,
            after=access,
        )
        if self.nodes is None:
            inside = pulumi.ResourceOptions(parent=self, provider=provider, deleted_with=self.eks)
            self._enforcement = [enforced_policies(self._name, inside)]
        addons = self._made_addons()
        storage = storage_class(
            f"{self._name}-storage",
            wanted.mode,
            provider,
            self,
            self.eks,
            addons,
            retain=self._args.retain,
        )
        return KubernetesCluster(
            provider,
            kubeconfig,
            owner=self.eks,
            storage_class=STORAGE_CLASS,
            load_balancer=load_balancer(wanted.mode, self.network.plan),
            ready=(storage, *addons) if nodes is None else (storage, nodes, *addons),
        )

    def _made_addons(self) -> list[pulumi.Resource]:
        """Make what runs on nodes; in auto mode, EKS brings all but measurements."""
        if self.nodes is None:
            return [self._addons.measurements([self.eks]), *self._enforcement]
        driver = self._addons.storage(self.nodes)
        names = self._addons.after_nodes(self.nodes)
        return [driver, *names, self._addons.measurements(names)]


def load_balancer(mode: str, plan: NetworkPlan) -> LoadBalancer:
    """Return what load balancers are like in a mode of nodes.

    Auto mode brings a controller of its own, whose balancers connect to pods from the public
    subnets. Elsewhere the in-tree one makes them: they connect to nodes, and it has no PROXY
    protocol for them (kubernetes/kubernetes#101608).
    """
    if mode == "auto":
        cidrs = tuple(subnet.cidr for subnet in plan.public)
        return LoadBalancer("eks.amazonaws.com/nlb", cidrs=cidrs)
    return LoadBalancer(keeps_addresses=True)


def server_address(kubeconfig_json: str) -> str:
    """Return the address of a kubeconfig's only cluster: each EKS cluster has its own."""
    return str(json.loads(kubeconfig_json)["clusters"][0]["cluster"]["server"])


def access_entries(
    arns: Sequence[str], groups: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> dict[str, eks.AccessEntryArgs]:
    """Return one entry for each role or user: ``arns`` administer, others are in one of ``groups``.

    The key is account and whole path: roles of one name in other paths and accounts are others.
    """
    scope = aws.eks.AccessPolicyAssociationAccessScopeArgs(type="cluster")
    policy = eks.AccessPolicyAssociationArgs(policy_arn=ADMIN_POLICY, access_scope=scope)
    entries = {
        arn: eks.AccessEntryArgs(principal_arn=arn, access_policies={"admin": policy})
        for arn in sorted(set(arns))
    }
    for group, members in groups.items():
        for arn in sorted(set(members) - entries.keys()):
            entries[arn] = eks.AccessEntryArgs(principal_arn=arn, kubernetes_groups=[group])
    return {"/".join(arn.split(":", 5)[4:]): entry for arn, entry in entries.items()}
