# SPDX-License-Identifier: Apache-2.0
"""`eks:index:Cluster`: a remote component, constructed through the engine's monitor."""

from __future__ import annotations

import json
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2, resource_pb2, resource_pb2_grpc

from provider.values import SIGNATURE_KEY, UNKNOWN, decode, encode, is_known
from tools.stubs.package import Package, Properties

RESOURCE_SIGNATURE = "5cf8f73096256a8f31e491e813e4eb8e"
"""Marks a reference to a resource on the wire (sdk/go/common/resource/properties.go)."""


def construct(request: Any) -> Any:
    """Register the component and two of its children; return what the program may use."""
    monitor = resource_pb2_grpc.ResourceMonitorStub(grpc.insecure_channel(request.monitorEndpoint))
    inputs, _ = decode(request.inputs)
    component = _component(monitor, request)
    cluster = _child(
        monitor,
        request,
        component.urn,
        "aws:eks/cluster:Cluster",
        f"{request.name}-eksCluster",
        _cluster(inputs, request.name),
    )
    _access_entries(monitor, request, component.urn, inputs)
    if inputs.get("createOidcProvider"):
        issuer = decode(cluster.object)[0].get("identities") or UNKNOWN
        _child(
            monitor,
            request,
            component.urn,
            "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
            f"{request.name}-oidcProvider",
            {"clientIdLists": ["sts.amazonaws.com"], "url": issuer},
        )
    group = _child(
        monitor,
        request,
        component.urn,
        "aws:ec2/securityGroup:SecurityGroup",
        f"{request.name}-nodeSecurityGroup",
        {"vpcId": inputs.get("vpcId"), "description": "nodes", "tags": inputs.get("tags")},
    )
    state = _state(cluster, group)
    monitor.RegisterResourceOutputs(
        resource_pb2.RegisterResourceOutputsRequest(urn=component.urn, outputs=state)
    )
    # As the real one tells: what uses an output of the cluster is known to need the cluster itself.
    depends = provider_pb2.ConstructResponse.PropertyDependencies(urns=[cluster.urn])
    return provider_pb2.ConstructResponse(
        urn=component.urn, state=state, stateDependencies=dict.fromkeys(state.fields, depends)
    )


def _access_entries(monitor: Any, request: Any, parent: str, inputs: Properties) -> None:
    for key, entry in sorted((inputs.get("accessEntries") or {}).items()):
        _child(
            monitor,
            request,
            parent,
            "aws:eks/accessEntry:AccessEntry",
            f"{request.name}-{key}",
            {
                "clusterName": inputs.get("name"),
                "principalArn": entry["principalArn"],
                "kubernetesGroups": entry.get("kubernetesGroups"),
            },
        )


def _cluster(inputs: Properties, name: str) -> Properties:
    """Return the cluster's own inputs."""
    return {
        "name": inputs.get("name", name),
        "version": inputs.get("version"),
        "accessConfig": {"authenticationMode": inputs.get("authenticationMode")},
        "vpcConfig": {
            "endpointPublicAccess": inputs.get("endpointPublicAccess", True),
            "endpointPrivateAccess": inputs.get("endpointPrivateAccess", False),
            "publicAccessCidrs": inputs.get("publicAccessCidrs"),
            "subnetIds": [
                *_list(inputs.get("publicSubnetIds")),
                *_list(inputs.get("privateSubnetIds")),
            ],
        },
        "computeConfig": {"enabled": True} if inputs.get("autoMode") else None,
        "enabledClusterLogTypes": inputs.get("enabledClusterLogTypes"),
        "tags": inputs.get("tags"),
    }


def _component(monitor: Any, request: Any) -> Any:
    return monitor.RegisterResource(
        resource_pb2.RegisterResourceRequest(
            type=request.type,
            name=request.name,
            parent=request.parent,
            custom=False,
            object=request.inputs,
            protect=request.protect,
            providers=dict(request.providers),
            dependencies=list(request.dependencies),
            aliasURNs=list(request.aliases),
            acceptSecrets=True,
            acceptResources=True,
        )
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _child(
    monitor: Any, request: Any, parent: str, token: str, name: str, inputs: dict[str, Any]
) -> Any:
    return monitor.RegisterResource(
        resource_pb2.RegisterResourceRequest(
            type=token,
            name=name,
            parent=parent,
            custom=True,
            object=encode({key: value for key, value in inputs.items() if value is not None}),
            provider=request.providers.get("aws", ""),
            protect=request.protect,
            acceptSecrets=True,
            acceptResources=True,
            supportsPartialValues=True,
        )
    )


def _state(cluster: Any, group: Any) -> Any:
    outputs, _ = decode(cluster.object)
    reference = {SIGNATURE_KEY: RESOURCE_SIGNATURE, "urn": cluster.urn, "id": cluster.id}
    known = bool(cluster.id) and is_known(outputs.get("endpoint", UNKNOWN))
    kubeconfig: Any = _kubeconfig(outputs) if known else UNKNOWN
    return encode(
        {
            "kubeconfig": kubeconfig,
            "kubeconfigJson": json.dumps(kubeconfig) if known else UNKNOWN,
            "eksCluster": reference,
            "nodeSecurityGroupId": group.id or UNKNOWN,
            "clusterSecurityGroupId": f"sg-{outputs['name']}" if known else UNKNOWN,
            "oidcIssuer": outputs["identities"][0]["oidcs"][0]["issuer"] if known else UNKNOWN,
            "oidcProviderArn": f"{outputs['arn']}/oidc" if known else UNKNOWN,
        }
    )


def _kubeconfig(cluster: dict[str, Any]) -> dict[str, Any]:
    command = {"command": "aws", "args": ["eks", "get-token", "--cluster-name", cluster["name"]]}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "kubernetes", "cluster": {"server": cluster["endpoint"]}}],
        "contexts": [{"name": "aws", "context": {"cluster": "kubernetes", "user": "aws"}}],
        "current-context": "aws",
        "users": [{"name": "aws", "user": {"exec": command}}],
    }


PACKAGE = Package(name="eks", types={}, construct=construct)
