# SPDX-License-Identifier: Apache-2.0
"""AWS: the few types that the program and the EKS component use."""

from __future__ import annotations

import base64
from collections.abc import Callable

from tools.stubs.package import Package, Properties, StubType, digits, named, prefixed

ACCOUNT = "123456789012"


def _arn(service: str, kind: str) -> Callable[[str, Properties], Properties]:
    return lambda identity, inputs: {"arn": f"arn:aws:{service}:stub:{ACCOUNT}:{kind}/{identity}"}


def _role(identity: str, inputs: Properties) -> Properties:
    return {"arn": f"arn:aws:iam::{ACCOUNT}:role/{identity}"}


def _cluster(identity: str, inputs: Properties) -> Properties:
    host = digits(identity, 32).upper()
    return {
        "arn": f"arn:aws:eks:stub:{ACCOUNT}:cluster/{identity}",
        "endpoint": f"https://{host}.gr7.stub.eks.amazonaws.com",
        "certificateAuthority": {"data": base64.b64encode(b"stub authority").decode()},
        "identities": [{"oidcs": [{"issuer": f"https://oidc.eks.stub.amazonaws.com/id/{host}"}]}],
    }


def _zones(arguments: Properties) -> Properties:
    # us-west-1 gives every account two of its zones; three elsewhere.
    names = [f"stub-1{letter}" for letter in "abc"]
    return {"id": "stub", "names": names, "zoneIds": names, "state": arguments.get("state")}


PACKAGE = Package(
    name="aws",
    types={
        "aws:ec2/vpc:Vpc": StubType(
            prefixed("vpc"),
            _arn("ec2", "vpc"),
            replaces=("cidrBlock",),
        ),
        "aws:ec2/subnet:Subnet": StubType(
            prefixed("subnet"),
            _arn("ec2", "subnet"),
            replaces=("vpcId", "cidrBlock", "availabilityZone"),
        ),
        "aws:ec2/internetGateway:InternetGateway": StubType(prefixed("igw")),
        "aws:ec2/eip:Eip": StubType(
            prefixed("eipalloc"), lambda identity, inputs: {"publicIp": "192.0.2.1"}
        ),
        "aws:ec2/natGateway:NatGateway": StubType(
            prefixed("nat"), replaces=("subnetId", "allocationId")
        ),
        "aws:ec2/routeTable:RouteTable": StubType(prefixed("rtb"), replaces=("vpcId",)),
        "aws:ec2/route:Route": StubType(
            prefixed("r-rtb"), replaces=("routeTableId", "destinationCidrBlock")
        ),
        "aws:ec2/routeTableAssociation:RouteTableAssociation": StubType(
            prefixed("rtbassoc"), replaces=("subnetId",)
        ),
        "aws:ec2/vpcPeeringConnection:VpcPeeringConnection": StubType(
            prefixed("pcx"), replaces=("vpcId", "peerVpcId")
        ),
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": StubType(
            prefixed("sgr"), _arn("ec2", "security-group-rule"), replaces=("securityGroupId",)
        ),
        "aws:ec2/securityGroup:SecurityGroup": StubType(
            prefixed("sg"), replaces=("vpcId", "description"), autoname=("name",)
        ),
        "aws:iam/role:Role": StubType(named("name"), _role, replaces=("name",), autoname=("name",)),
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": StubType(
            lambda seed, inputs: f"{inputs['role']}-{digits(seed, 20)}",
            replaces=("role", "policyArn"),
        ),
        "aws:eks/cluster:Cluster": StubType(
            named("name"),
            _cluster,
            replaces=("name", "roleArn"),
            autoname=("name",),
            unique=True,
        ),
        "aws:eks/accessEntry:AccessEntry": StubType(
            lambda seed, inputs: f"{inputs['clusterName']}:{inputs['principalArn']}",
            replaces=("clusterName", "principalArn"),
            unique=True,
        ),
        "aws:eks/nodeGroup:NodeGroup": StubType(
            lambda seed, inputs: f"{inputs['clusterName']}:{inputs['nodeGroupName']}",
            _arn("eks", "nodegroup"),
            replaces=("clusterName", "instanceTypes", "nodeRoleArn", "subnetIds", "nodeGroupName"),
            autoname=("nodeGroupName",),
            unique=True,
        ),
        "aws:eks/addon:Addon": StubType(
            lambda seed, inputs: f"{inputs['clusterName']}:{inputs['addonName']}",
            _arn("eks", "addon"),
            replaces=("clusterName", "addonName"),
            unique=True,
        ),
    },
    invokes={"aws:index/getAvailabilityZones:getAvailabilityZones": _zones},
)
