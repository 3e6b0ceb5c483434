# SPDX-License-Identifier: Apache-2.0
"""AWS: the few types that the program and the EKS component use."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable

from tools.stubs.package import (
    BIRTH,
    PROVIDER,
    Call,
    Package,
    Properties,
    StubType,
    digits,
    named,
    prefixed,
)
from tools.stubs.world import Thing, World

ACCOUNT = "123456789012"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
NO_FAMILIES = ("t9", "m99", "x0")


def _arn(service: str, kind: str) -> Callable[[str, Properties], Properties]:
    return lambda identity, inputs: {"arn": f"arn:aws:{service}:stub:{ACCOUNT}:{kind}/{identity}"}


def _uuid(seed: str) -> str:
    return str(uuid.UUID(digits(seed, 32)))


def _role(identity: str, inputs: Properties) -> Properties:
    return {"arn": f"arn:aws:iam::{ACCOUNT}:role/{identity}"}


def _cluster(identity: str, inputs: Properties) -> Properties:
    # A further cluster of the same name has another address.
    host = digits(f"{identity}{inputs.get(BIRTH) or ''}", 32).upper()
    return {
        "arn": f"arn:aws:eks:stub:{ACCOUNT}:cluster/{identity}",
        "endpoint": f"https://{host}.gr7.stub.eks.amazonaws.com",
        "certificateAuthority": {"data": base64.b64encode(b"stub authority").decode()},
        "identities": [{"oidcs": [{"issuer": f"https://oidc.eks.stub.amazonaws.com/id/{host}"}]}],
    }


def _refuse_cluster(old: Properties | None, new: Properties, world: World) -> str:
    """What UpdateClusterVersion and UpdateClusterConfig refuse."""
    if old is None:
        return ""
    before, after = (_minor(side["version"]) for side in (old, new))
    if not before <= after <= before + 1:
        return (
            "InvalidParameterException: Unsupported Kubernetes minor version update from "
            f"{old['version']} to {new['version']}"
        )
    zones = [_zones_of(side["vpcConfig"]["subnetIds"], world) for side in (old, new)]
    if zones[0] != zones[1]:
        return (
            "InvalidParameterException: Provided subnets belong to the AZs "
            f"{', '.join(sorted(zones[1]))}. But they should belong to the exact set of AZs "
            f"{', '.join(sorted(zones[0]))} in which subnets were provided during cluster creation."
        )
    return ""


def _zones_of(subnets: list[str], world: World) -> set[str]:
    found = (_find(world, "aws:ec2/subnet:Subnet", identity) for identity in subnets)
    return {thing.inputs["availabilityZone"] for thing in found if thing is not None}


def _find(world: World, token: str, identity: str) -> Thing | None:
    """Return a resource whatever its region."""
    same = (thing for thing in world.things() if thing.type == token and thing.id == identity)
    return next(same, None)


def _log_group(thing: Thing, world: World) -> None:
    """EKS makes the group of its log when nobody has, and leaves it behind."""
    name = f"/aws/eks/{thing.id}/cluster"
    if thing.inputs.get("enabledClusterLogTypes") and not world.get(LOG_GROUP, name, thing.place):
        inputs = {"name": name, "retentionInDays": 0, "skipDestroy": False}
        outputs = {**inputs, **_arn("logs", "log-group")(name, inputs)}
        world.put("leave", Thing(LOG_GROUP, name, "", inputs, outputs, thing.place))


def _template_replacing(old: Properties, new: Properties) -> set[str]:
    """Another version of a template is rolled in place, another template is another group."""
    before, after = ((side.get("launchTemplate") or {}).get("id") for side in (old, new))
    return {"launchTemplate"} if before != after else set()


def _offerings(call: Call) -> Properties:
    """Types that do not exist are offered nowhere; some are missing from a zone."""
    wanted = [one["values"] for one in call.arguments["filters"] if one["name"] == "instance-type"]
    family = wanted[0][0].partition(".")[0]
    # Whatever is the matter with a zone today.
    zones = [] if family in NO_FAMILIES else list(_usual_zones(call))
    zones = call.world.said("offerings", {}).get(wanted[0][0], zones)
    kinds = [wanted[0][0]] * len(zones)
    return {
        **call.arguments,
        "id": "stub",
        "locations": zones,
        "instanceTypes": kinds,
        "locationTypes": ["availability-zone"] * len(zones),
    }


def _template(identity: str, inputs: Properties) -> Properties:
    return {**_arn("ec2", "launch-template")(identity, inputs), "latestVersion": 1}


def _certificate(identity: str, inputs: Properties) -> Properties:
    name = inputs["domainName"]
    proof = {
        "domainName": name,
        "resourceRecordName": f"_{digits(name, 16)}.{name}.",
        "resourceRecordType": "CNAME",
        "resourceRecordValue": f"_{digits(name + 'v', 16)}.acm-validations.aws.",
    }
    return {"arn": identity, "domainValidationOptions": [proof]}


def _attached(thing: Thing, world: World) -> str:
    """What DeleteCluster refuses."""
    groups = (one for one in world.things() if one.type == "aws:eks/nodeGroup:NodeGroup")
    mine = [
        one for one in groups if one.inputs["clusterName"] == thing.id and one.place == thing.place
    ]
    return "ResourceInUseException: Cluster has nodegroups attached" if mine else ""


def _refuse_nodes(old: Properties | None, new: Properties, world: World) -> str:
    """What CreateNodegroup, UpdateNodegroupConfig and UpdateNodegroupVersion refuse."""
    scaling = new["scalingConfig"]
    least, wanted, most = (scaling[f"{one}Size"] for one in ("min", "desired", "max"))
    if least > wanted:
        return (
            f"InvalidParameterException: Minimum capacity {least} can't be greater than desired "
            f"size {wanted}"
        )
    if wanted > most:
        return (
            f"InvalidParameterException: desired capacity {wanted} can't be greater than max "
            f"size {most}"
        )
    cluster = _find(world, "aws:eks/cluster:Cluster", new["clusterName"])
    version = new.get("version")
    if cluster and version and _minor(version) > _minor(cluster.inputs["version"]):
        return (
            f"InvalidParameterException: Requested Nodegroup version {version} is newer than "
            f"Cluster version {cluster.inputs['version']}"
        )
    return ""


def _minor(version: str) -> int:
    return int(version.split(".")[1])


def _refuse_addon(old: Properties | None, new: Properties, world: World) -> str:
    """What CreateAddon and UpdateAddon refuse: kube-proxy must not be newer than the cluster."""
    cluster = _find(world, "aws:eks/cluster:Cluster", new["clusterName"])
    version = str(new.get("addonVersion") or "").lstrip("v")
    if new["addonName"] != "kube-proxy" or not cluster or not version:
        return ""
    if _minor(version) > _minor(cluster.inputs["version"]):
        return "InvalidParameterException: Addon version specified is not supported"
    return ""


def _addon_version(call: Call) -> Properties:
    name, minor = call.arguments["addonName"], _minor(call.arguments["kubernetesVersion"])
    version = (
        f"v1.{minor}.1-eksbuild.1" if name == "kube-proxy" else f"v1.{minor - 20}.1-eksbuild.1"
    )
    return {**call.arguments, "id": name, "version": version}


def _node_group(call: Call) -> Properties:
    cluster, name = call.arguments["clusterName"], call.arguments["nodeGroupName"]
    found = _find(call.world, "aws:eks/nodeGroup:NodeGroup", f"{cluster}:{name}")
    sizes = [] if found is None else [found.inputs["scalingConfig"]]
    return {**call.arguments, "id": f"{cluster}:{name}", "scalingConfigs": sizes}


def _usual_zones(call: Call) -> dict[str, str]:
    # us-west-1 gives every account two of its zones; three elsewhere. In us-east-1 the second is
    # the one without EKS; ids are those of one account, names differ between accounts.
    usual = {f"stub-1{letter}": f"stub1-az{n}" for n, letter in enumerate("abc")}
    if call.config.get("region") == "us-east-1":
        usual = {"stub-1a": "use1-az1", "stub-1b": "use1-az3", "stub-1c": "use1-az2"}
    return usual


def _zones(call: Call) -> Properties:
    excluded = call.arguments.get("excludeZoneIds") or []
    zones = call.world.said("zones", _usual_zones(call))
    names = [name for name, identity in zones.items() if identity not in excluded]
    state = call.arguments.get("state")
    return {"id": "stub", "names": names, "zoneIds": [zones[n] for n in names], "state": state}


PACKAGE = Package(
    name="aws",
    place=lambda config: str(config.get("region")),
    # Each resource carries its region, from the provider: another one is another resource.
    reconfigured=lambda old, new: {"region"} if old.get("region") != new.get("region") else set(),
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
            refuses=_refuse_cluster,
            holds=lambda outputs: str(outputs["endpoint"]),
            stays=_attached,
            leaves=_log_group,
        ),
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider": StubType(prefixed("oidc")),
        "aws:eks/accessEntry:AccessEntry": StubType(
            lambda seed, inputs: f"{inputs['clusterName']}:{inputs['principalArn']}",
            replaces=("clusterName", "principalArn"),
            unique=True,
        ),
        "aws:eks/nodeGroup:NodeGroup": StubType(
            lambda seed, inputs: f"{inputs['clusterName']}:{inputs['nodeGroupName']}",
            _arn("eks", "nodegroup"),
            replaces=("clusterName", "instanceTypes", "nodeRoleArn", "subnetIds", "nodeGroupName"),
            replacing=_template_replacing,
            autoname=("nodeGroupName",),
            unique=True,
            refuses=_refuse_nodes,
        ),
        LOG_GROUP: StubType(
            named("name"),
            _arn("logs", "log-group"),
            replaces=("name",),
            autoname=("name",),
            defaults={"skipDestroy": False},
            unique=True,
            taken="ResourceAlreadyExistsException",
        ),
        "aws:ec2/launchTemplate:LaunchTemplate": StubType(
            prefixed("lt"), _template, replaces=("name",), autoname=("name",)
        ),
        "aws:acm/certificate:Certificate": StubType(
            lambda seed, inputs: (
                f"arn:aws:acm:{inputs[PROVIDER].get('region')}:{ACCOUNT}:certificate/{_uuid(seed)}"
            ),
            _certificate,
            replaces=("domainName", "validationMethod"),
        ),
        "aws:acm/certificateValidation:CertificateValidation": StubType(
            lambda seed, inputs: f"{digits(seed, 12)}", replaces=("certificateArn",)
        ),
        "aws:route53/record:Record": StubType(
            lambda seed, inputs: f"{inputs['zoneId']}_{inputs['name']}_{inputs['type']}",
            lambda identity, inputs: {"fqdn": inputs.get("name")},
            replaces=("zoneId", "name", "type"),
        ),
        "aws:eks/podIdentityAssociation:PodIdentityAssociation": StubType(
            prefixed("a"),
            _arn("eks", "podidentityassociation"),
            replaces=("clusterName", "namespace", "serviceAccount"),
        ),
        "aws:iam/rolePolicy:RolePolicy": StubType(
            lambda seed, inputs: f"{inputs['role']}:{inputs['name']}",
            replaces=("name", "role"),
            autoname=("name",),
        ),
        "aws:eks/addon:Addon": StubType(
            lambda seed, inputs: f"{inputs['clusterName']}:{inputs['addonName']}",
            _arn("eks", "addon"),
            replaces=("clusterName", "addonName"),
            unique=True,
            refuses=_refuse_addon,
        ),
    },
    invokes={
        "aws:index/getAvailabilityZones:getAvailabilityZones": _zones,
        "aws:eks/getAddonVersion:getAddonVersion": _addon_version,
        "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": _offerings,
        "aws:eks/getNodeGroup:getNodeGroup": _node_group,
    },
)
