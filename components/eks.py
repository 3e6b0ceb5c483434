# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes cluster on EKS with a network of its own, or one that is there already."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks
import pulumi_kubernetes as kubernetes

from components.config.cloud import EksConfig, ExistingClusterConfig
from components.network_plan import NetworkPlan, Subnet, plan_network

CLUSTER_TIMES = pulumi.CustomTimeouts(create="40m", update="60m", delete="40m")
NODE_POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonEC2ContainerRegistryReadOnly",
)
ADMIN_POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class GatewayClusterArgs:
    """What the cluster is to be like."""

    config: EksConfig
    tags: Mapping[str, str]
    protect: bool


class GatewayCluster(pulumi.ComponentResource):
    """EKS in a VPC of its own: nodes in private subnets, load balancers in public ones."""

    def __init__(
        self, name: str, args: GatewayClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kafka-gateway:eks:GatewayCluster", name, None, opts)
        self._name, self._args = name, args
        self._aws = aws.Provider(
            f"{name}-aws",
            region=args.config.region,
            default_tags=aws.ProviderDefaultTagsArgs(tags=dict(args.tags)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        plan = plan_network(args.config.vpc_cidr, args.config.zones)
        self._zones = aws.get_availability_zones_output(
            state="available",
            opts=pulumi.InvokeOutputOptions(parent=self, provider=self._aws),
        ).names
        self.vpc = self._network(plan)
        self._subnets = {subnet: self._subnet(subnet) for subnet in plan.subnets}
        self._routes(plan)
        self.cluster = self._cluster(plan)
        self.nodes = None if args.config.mode == "auto" else self._node_group(plan)
        self.kubeconfig = pulumi.Output.secret(self.cluster.kubeconfig_json)
        self.provider = kubernetes_provider(
            name, self.kubeconfig, args.config.name, self, after=self.nodes
        )
        self.register_outputs({"kubeconfig": self.kubeconfig})

    def _options(self, **more: object) -> pulumi.ResourceOptions:
        base = pulumi.ResourceOptions(parent=self, provider=self._aws)
        return pulumi.ResourceOptions.merge(base, pulumi.ResourceOptions(**more))  # type: ignore[arg-type]  # keyword arguments of the options themselves

    # --- network ------------------------------------------------------------------------------

    def _network(self, plan: NetworkPlan) -> aws.ec2.Vpc:
        return aws.ec2.Vpc(
            f"{self._name}-vpc",
            cidr_block=plan.vpc_cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": self._args.config.name},
            opts=self._options(protect=self._args.protect),
        )

    def _subnet(self, subnet: Subnet) -> aws.ec2.Subnet:
        kind = "public" if subnet.public else "private"
        # What the load balancer controllers look for.
        role = "kubernetes.io/role/elb" if subnet.public else "kubernetes.io/role/internal-elb"
        zone = subnet.zone
        return aws.ec2.Subnet(
            f"{self._name}-{kind}-{zone}",
            vpc_id=self.vpc.id,
            cidr_block=subnet.cidr,
            availability_zone=self._zones.apply(lambda names: names[zone]),
            map_public_ip_on_launch=subnet.public,
            tags={"Name": f"{self._args.config.name}-{kind}-{zone}", role: "1"},
            opts=self._options(),
        )

    def _routes(self, plan: NetworkPlan) -> None:
        gateway = aws.ec2.InternetGateway(
            f"{self._name}-internet", vpc_id=self.vpc.id, opts=self._options()
        )
        # One NAT gateway serves all zones: the data plane's way out is Kafka only.
        address = aws.ec2.Eip(f"{self._name}-nat-ip", domain="vpc", opts=self._options())
        nat = aws.ec2.NatGateway(
            f"{self._name}-nat",
            allocation_id=address.id,
            subnet_id=self._subnets[plan.public[0]].id,
            opts=self._options(depends_on=[gateway]),
        )
        for kind, way_out in (
            ("public", aws.ec2.RouteTableRouteArgs(cidr_block=EVERYWHERE, gateway_id=gateway.id)),
            ("private", aws.ec2.RouteTableRouteArgs(cidr_block=EVERYWHERE, nat_gateway_id=nat.id)),
        ):
            table = aws.ec2.RouteTable(
                f"{self._name}-{kind}", vpc_id=self.vpc.id, routes=[way_out], opts=self._options()
            )
            for subnet in plan.public if kind == "public" else plan.private:
                aws.ec2.RouteTableAssociation(
                    f"{self._name}-{kind}-{subnet.zone}",
                    route_table_id=table.id,
                    subnet_id=self._subnets[subnet].id,
                    opts=self._options(),
                )

    # --- cluster ------------------------------------------------------------------------------

    def _cluster(self, plan: NetworkPlan) -> eks.Cluster:
        config = self._args.config
        auto = config.mode == "auto"
        return eks.Cluster(
            f"{self._name}-cluster",
            name=config.name,
            version=config.version,
            vpc_id=self.vpc.id,
            public_subnet_ids=[self._subnets[one].id for one in plan.public],
            private_subnet_ids=[self._subnets[one].id for one in plan.private],
            # API: the access entries below decide, and the account that made the cluster is not
            # locked out when the config map is lost.
            authentication_mode=eks.AuthenticationMode.API,
            access_entries=_administrators(config.admin_arns),
            skip_default_node_group=True,
            auto_mode=eks.AutoModeOptionsArgs(enabled=True) if auto else None,
            endpoint_private_access=True,
            endpoint_public_access=config.public_endpoint,
            public_access_cidrs=list(config.public_access_cidrs) or None,
            enabled_cluster_log_types=["api", "audit", "authenticator"],
            create_oidc_provider=True,
            deletion_protection=self._args.protect,
            # Standard: an outdated version is upgraded instead of costing six times as much.
            upgrade_policy=aws.eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),
            opts=pulumi.ResourceOptions(
                parent=self,
                providers=[self._aws],
                protect=self._args.protect,
                custom_timeouts=CLUSTER_TIMES,
            ),
        )

    def _node_group(self, plan: NetworkPlan) -> eks.ManagedNodeGroup:
        config = self._args.config
        role = aws.iam.Role(
            f"{self._name}-nodes",
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "ec2.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                }
            ),
            opts=self._options(),
        )
        policies = [
            aws.iam.RolePolicyAttachment(
                f"{self._name}-nodes-{policy}",
                role=role.name,
                policy_arn=f"arn:aws:iam::aws:policy/{policy}",
                opts=self._options(),
            )
            for policy in NODE_POLICIES
        ]
        return eks.ManagedNodeGroup(
            f"{self._name}-standard-workers",
            cluster=self.cluster,
            node_group_name="standard-workers",
            node_role=role,
            instance_types=[config.instance_type],
            subnet_ids=[self._subnets[one].id for one in plan.private],
            scaling_config=aws.eks.NodeGroupScalingConfigArgs(
                desired_size=config.nodes, min_size=config.nodes, max_size=config.max_nodes
            ),
            # An autoscaler moves the desired size.
            ignore_scaling_changes=True,
            opts=pulumi.ResourceOptions(
                parent=self,
                providers=[self._aws],
                depends_on=policies,
                custom_timeouts=CLUSTER_TIMES,
            ),
        )


def _administrators(arns: tuple[str, ...]) -> dict[str, eks.AccessEntryArgs]:
    return {
        f"admin-{number}": eks.AccessEntryArgs(
            principal_arn=arn,
            access_policies={
                "admin": eks.AccessPolicyAssociationArgs(
                    access_scope=aws.eks.AccessPolicyAssociationAccessScopeArgs(type="cluster"),
                    policy_arn=ADMIN_POLICY,
                )
            },
        )
        for number, arn in enumerate(arns)
    }


class ExistingCluster(pulumi.ComponentResource):
    """A Kubernetes cluster that is there already, by its kubeconfig."""

    def __init__(
        self, name: str, config: ExistingClusterConfig, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kafka-gateway:eks:ExistingCluster", name, None, opts)
        self.kubeconfig = config.kubeconfig.output()
        identifier = config.identifier or name
        self.provider = kubernetes_provider(name, self.kubeconfig, identifier, self)
        self.register_outputs({})


def kubernetes_provider(
    name: str,
    kubeconfig: pulumi.Output[str],
    identifier: str,
    parent: pulumi.Resource,
    after: pulumi.Resource | None = None,
) -> kubernetes.Provider:
    """Return the one Kubernetes provider of a stack.

    ``identifier`` pins which cluster it means: a changed kubeconfig then replaces nothing.
    """
    return kubernetes.Provider(
        f"{name}-kubernetes",
        kubeconfig=kubeconfig,
        cluster_identifier=identifier,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[after] if after else None),
    )
