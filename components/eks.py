# SPDX-License-Identifier: Apache-2.0
"""Kubernetes on EKS: its network, the cluster, its nodes, and the way in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks
import pulumi_kubernetes as kubernetes

from components.cluster import KubernetesCluster, kubernetes_provider
from components.config.kubernetes import EksConfig
from components.network_plan import NetworkPlan, Subnet, plan_network
from components.private_access import Surroundings, join_networks, let_in
from components.secret import secret

NODE_POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonEC2ContainerRegistryPullOnly",
)
ADMIN_POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
LOG_TYPES = ("api", "audit", "authenticator")
CLUSTER_TIMEOUTS = pulumi.CustomTimeouts(create="60m", update="90m", delete="60m")
STORAGE_CLASS = "kafka-gateway"
PROVISIONERS = {"nodegroup": "ebs.csi.aws.com", "auto": "ebs.csi.eks.amazonaws.com"}
# Auto mode brings its own load balancer controller; elsewhere the in-tree one makes an NLB.
LOAD_BALANCER_CLASSES = {"nodegroup": "", "auto": "eks.amazonaws.com/nlb"}


@dataclass(frozen=True)
class GatewayClusterArgs:
    """What to make; ``retain`` leaves volumes behind that lose their claim."""

    cluster: EksConfig
    tags: Mapping[str, str]
    protect: bool
    retain: bool


class GatewayCluster(pulumi.ComponentResource):
    """A VPC with public and private subnets, EKS in it with a pinned version, and its nodes.

    People get in by access entries. EKS makes one for whoever made the cluster, so that identity is
    not listed again.
    """

    def __init__(
        self, name: str, args: GatewayClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kafka-gateway:eks:GatewayCluster", name, None, opts)
        self._name, self._args = name, args
        self._tags = {**args.tags, "project": pulumi.get_project(), "stack": pulumi.get_stack()}
        self.provider = aws.Provider(
            f"{name}-aws", region=args.cluster.region, opts=pulumi.ResourceOptions(parent=self)
        )
        plan = plan_network(args.cluster.vpc_cidr, args.cluster.zones)
        self.vpc = self._vpc(plan)
        self._tables: dict[str, aws.ec2.RouteTable] = {}
        self._zones = self._zone_names()
        self.public = [self._subnet(subnet) for subnet in plan.public]
        self.private = [self._subnet(subnet) for subnet in plan.private]
        routes = self._routes()
        self.eks = self._eks(routes)
        # The name by way of an output: what carries it waits for the cluster and goes before it
        # (pulumi/pulumi#9009).
        self._cluster_name = self.eks.kubeconfig_json.apply(lambda _: args.cluster.name)
        self.nodes = self._nodes() if args.cluster.mode == "nodegroup" else None
        self.cluster = self._kubernetes(self._access(plan))
        self.register_outputs({"name": self._cluster_name})

    def _options(self, **more: object) -> pulumi.ResourceOptions:
        own = pulumi.ResourceOptions(parent=self, provider=self.provider)
        return pulumi.ResourceOptions.merge(own, pulumi.ResourceOptions(**more))  # type: ignore[arg-type]  # the caller's keywords are its own

    def _tagged(self, label: str, **more: str) -> dict[str, str]:
        return {**self._tags, "Name": f"{self._args.cluster.name}-{label}", **more}

    # --- the network --------------------------------------------------------------------------

    def _vpc(self, plan: NetworkPlan) -> aws.ec2.Vpc:
        return aws.ec2.Vpc(
            f"{self._name}-vpc",
            cidr_block=plan.vpc_cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=self._tagged("vpc"),
            opts=self._options(protect=self._args.protect),
        )

    def _zone_names(self) -> pulumi.Output[list[str]]:
        zones = aws.get_availability_zones_output(
            state="available",
            # Local and wavelength zones must be opted into, and EKS cannot use them.
            filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
            opts=pulumi.InvokeOptions(parent=self, provider=self.provider),
        )
        wanted = self._args.cluster
        return zones.names.apply(lambda names: choose_zones(names, wanted.zones, wanted.region))

    def _subnet(self, subnet: Subnet) -> aws.ec2.Subnet:
        side = "public" if subnet.public else "private"
        role = "kubernetes.io/role/elb" if subnet.public else "kubernetes.io/role/internal-elb"
        return aws.ec2.Subnet(
            f"{self._name}-{side}-{subnet.zone}",
            vpc_id=self.vpc.id,
            cidr_block=subnet.cidr,
            availability_zone=self._zones.apply(lambda names: names[subnet.zone]),
            map_public_ip_on_launch=subnet.public,
            tags=self._tagged(f"{side}-{subnet.zone}", **{role: "1"}),
            opts=self._options(),
        )

    def _routes(self) -> list[pulumi.Resource]:
        """Route public subnets to the internet, private ones through a NAT gateway."""
        gateway = aws.ec2.InternetGateway(
            f"{self._name}-internet",
            vpc_id=self.vpc.id,
            tags=self._tagged("internet"),
            opts=self._options(),
        )
        made = self._route_table("public", self.public, gateway_id=gateway.id)
        nats = [self._nat(zone, gateway) for zone in range(self._args.cluster.nat_gateways)]
        for zone, subnet in enumerate(self.private):
            nat = nats[zone % len(nats)]
            made += self._route_table(f"private-{zone}", [subnet], nat_gateway_id=nat.id)
        return made

    def _nat(self, zone: int, gateway: aws.ec2.InternetGateway) -> aws.ec2.NatGateway:
        address = aws.ec2.Eip(
            f"{self._name}-nat-{zone}",
            domain="vpc",
            tags=self._tagged(f"nat-{zone}"),
            opts=self._options(depends_on=[gateway]),
        )
        return aws.ec2.NatGateway(
            f"{self._name}-nat-{zone}",
            subnet_id=self.public[zone].id,
            allocation_id=address.id,
            tags=self._tagged(f"nat-{zone}"),
            opts=self._options(depends_on=[gateway]),
        )

    def _route_table(
        self,
        label: str,
        subnets: Sequence[aws.ec2.Subnet],
        gateway_id: pulumi.Input[str] | None = None,
        nat_gateway_id: pulumi.Input[str] | None = None,
    ) -> list[pulumi.Resource]:
        self._tables[label] = table = aws.ec2.RouteTable(
            f"{self._name}-{label}",
            vpc_id=self.vpc.id,
            tags=self._tagged(label),
            opts=self._options(),
        )
        route = aws.ec2.Route(
            f"{self._name}-{label}-out",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway_id,
            nat_gateway_id=nat_gateway_id,
            opts=self._options(),
        )
        joined = [
            aws.ec2.RouteTableAssociation(
                f"{self._name}-{label}-{place}",
                route_table_id=table.id,
                subnet_id=subnet.id,
                opts=self._options(),
            )
            for place, subnet in enumerate(subnets)
        ]
        return [route, *joined]

    # --- the cluster --------------------------------------------------------------------------

    def _eks(self, routes: list[pulumi.Resource]) -> eks.Cluster:
        wanted = self._args.cluster
        auto = wanted.mode == "auto"
        return eks.Cluster(
            self._name,
            name=wanted.name,
            version=wanted.version,
            vpc_id=self.vpc.id,
            public_subnet_ids=[subnet.id for subnet in self.public],
            private_subnet_ids=[subnet.id for subnet in self.private],
            endpoint_public_access=wanted.public_endpoint,
            endpoint_private_access=True,
            public_access_cidrs=list(wanted.public_access_cidrs) or None,
            # API only: with the config map, whoever made the cluster could lock everybody out.
            authentication_mode=eks.AuthenticationMode.API,
            access_entries=access_entries(wanted.admin_arns),
            skip_default_node_group=True,
            create_oidc_provider=True,
            auto_mode=eks.AutoModeOptionsArgs(enabled=True) if auto else None,
            deletion_protection=self._args.protect,
            enabled_cluster_log_types=list(LOG_TYPES),
            # The default, EXTENDED, lets a forgotten cluster cost six times as much.
            upgrade_policy=aws.eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),
            tags=self._tagged("cluster"),
            opts=pulumi.ResourceOptions(
                parent=self,
                providers={"aws": self.provider},
                protect=self._args.protect,
                # Nodes need the way out when they come, and as long as they are there.
                depends_on=routes,
                custom_timeouts=CLUSTER_TIMEOUTS,
                additional_secret_outputs=["kubeconfig", "kubeconfigJson"],
            ),
        )

    def _nodes(self) -> aws.eks.NodeGroup:
        role, attached = self._role("nodes", "ec2.amazonaws.com", NODE_POLICIES)
        wanted = self._args.cluster
        return aws.eks.NodeGroup(
            f"{self._name}-nodes",
            cluster_name=self._cluster_name,
            node_group_name="standard-workers",
            node_role_arn=role.arn,
            subnet_ids=[subnet.id for subnet in self.private],
            instance_types=[wanted.instance_type],
            scaling_config={
                "desired_size": wanted.nodes,
                "min_size": wanted.nodes,
                "max_size": wanted.max_nodes,
            },
            update_config={"max_unavailable": 1},
            tags=self._tagged("nodes"),
            opts=self._options(
                # Without its policies a node can neither join nor be taken out in order.
                depends_on=attached,
                # The autoscaler's to decide.
                ignore_changes=["scalingConfig.desiredSize"],
                custom_timeouts=pulumi.CustomTimeouts(create="30m", update="60m", delete="30m"),
            ),
        )

    def _role(
        self, label: str, service: str, policies: Sequence[str]
    ) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        role = aws.iam.Role(
            f"{self._name}-{label}",
            assume_role_policy=trust(service),
            tags=self._tagged(label),
            opts=self._options(),
        )
        attached: list[pulumi.Resource] = [
            aws.iam.RolePolicyAttachment(
                f"{self._name}-{label}-{policy.rpartition('/')[2]}",
                role=role.name,
                policy_arn=f"arn:aws:iam::aws:policy/{policy}",
                opts=self._options(),
            )
            for policy in policies
        ]
        return role, attached

    def _access(self, plan: NetworkPlan) -> list[pulumi.Resource]:
        """Open the private endpoint to the networks that the configuration names."""
        wanted = self._args.cluster
        around = Surroundings(
            name=self._name,
            vpc_id=self.vpc.id,
            vpc_cidr=plan.vpc_cidr,
            tables=self._tables,
            tagged=self._tagged,
            options=self._options,
        )
        joined = [] if wanted.peer is None else join_networks(wanted.peer, around)
        group = self.eks.cluster_security_group_id
        return [*joined, *let_in(wanted.private_access_cidrs, group, around)]

    def _kubernetes(self, access: Sequence[pulumi.Resource]) -> KubernetesCluster:
        kubeconfig = secret(self.eks.kubeconfig_json)
        wanted = self._args.cluster
        provider = kubernetes_provider(
            f"{self._name}-kubernetes", kubeconfig, wanted.name, self, self.eks, after=access
        )
        needed = self._storage_addons() if self.nodes is not None else []
        storage = kubernetes.storage.v1.StorageClass(
            f"{self._name}-storage",
            metadata={"name": STORAGE_CLASS},
            provisioner=PROVISIONERS[wanted.mode],
            parameters={"type": "gp3", "encrypted": "true"},
            reclaim_policy="Retain" if self._args.retain else "Delete",
            volume_binding_mode="WaitForFirstConsumer",
            allow_volume_expansion=True,
            opts=pulumi.ResourceOptions(
                parent=self, provider=provider, deleted_with=self.eks, depends_on=needed
            ),
        )
        return KubernetesCluster(
            provider,
            kubeconfig,
            owner=self.eks,
            storage_class=STORAGE_CLASS,
            load_balancer_class=LOAD_BALANCER_CLASSES[wanted.mode],
            ready=(storage,) if self.nodes is None else (storage, self.nodes),
        )

    def _storage_addons(self) -> list[pulumi.Resource]:
        """Add what makes volumes; in auto mode EKS has it built in."""
        assert self.nodes is not None
        role, attached = self._role(
            "storage", "pods.eks.amazonaws.com", ["service-role/AmazonEBSCSIDriverPolicy"]
        )
        identity = aws.eks.Addon(
            f"{self._name}-pod-identity",
            cluster_name=self._cluster_name,
            addon_name="eks-pod-identity-agent",
            tags=self._tagged("pod-identity"),
            opts=self._options(depends_on=[self.nodes]),
        )
        driver = aws.eks.Addon(
            f"{self._name}-ebs",
            cluster_name=self._cluster_name,
            addon_name="aws-ebs-csi-driver",
            pod_identity_associations=[
                {"role_arn": role.arn, "service_account": "ebs-csi-controller-sa"}
            ],
            tags=self._tagged("ebs"),
            opts=self._options(depends_on=[identity, *attached]),
        )
        return [driver]


def choose_zones(names: Sequence[str], count: int, region: str) -> list[str]:
    """Return the first ``count`` zones by name, so that the order of an answer changes nothing.

    Raises ``pulumi.RunError`` when the region has fewer.
    """
    if len(names) < count:
        raise pulumi.RunError(
            f"zones: {count} are more than {region} has for this account: "
            f"{', '.join(sorted(names))}"
        )
    return sorted(names)[:count]


def access_entries(arns: Sequence[str]) -> dict[str, eks.AccessEntryArgs]:
    """Return one entry with cluster administration for each role or user."""
    scope = aws.eks.AccessPolicyAssociationAccessScopeArgs(type="cluster")
    policy = eks.AccessPolicyAssociationArgs(policy_arn=ADMIN_POLICY, access_scope=scope)
    return {
        arn.rpartition("/")[2]: eks.AccessEntryArgs(
            principal_arn=arn, access_policies={"admin": policy}
        )
        for arn in sorted(arns)
    }


def trust(service: str) -> str:
    """Return the policy by which an AWS service may take a role."""
    actions = ["sts:AssumeRole"]
    if service == "pods.eks.amazonaws.com":
        actions.append("sts:TagSession")
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": actions}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
