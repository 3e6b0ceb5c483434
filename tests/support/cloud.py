# SPDX-License-Identifier: Apache-2.0
"""A cloud stack's program under mocks: its configuration, and what the clouds would answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import yaml

from components.cloud.kubernetes import KubernetesCluster
from components.config.cloud import CloudConfig, read_cloud
from components.config.reader import PROJECT_FILE, ConfigReader
from tests.support.registrations import SIGNATURE_KEY, Registration, register, secret
from tools.stubs import session

STACKS = PROJECT_FILE.parent / "stacks"
DIGEST = "sha256:" + "5b" * 32
PEER = {key.partition(":")[2]: value for key, value in session.PEER.items()}
OUTPUTS: dict[str, dict[str, Any]] = {
    "gateway:index:Credential": {"key": "key", "secret": secret("made-up")},
    "gateway:index:ClusterCertificate": {
        "certificatePem": "CERTIFICATE",
        "privateKeyPem": secret("PRIVATE"),
        "fingerprint": "f1",
    },
    "gateway:konnect:ControlPlane": {
        "controlPlaneId": "cp-1",
        "controlPlaneEndpoint": "https://abc.us.cp.konghq.com",
        "telemetryEndpoint": "https://abc.us.tp.konghq.com",
    },
    "gateway:konnect:DataPlaneCertificate": {"certificateId": "dp-1"},
    "confluentcloud:index/kafkaCluster:KafkaCluster": {
        "bootstrapEndpoint": "SASL_SSL://pkc-1.us-east-2.aws.confluent.cloud:9092",
        "restEndpoint": "https://pkc-1.us-east-2.aws.confluent.cloud:443",
        "rbacCrn": "crn://one",
        "apiVersion": "cmk/v2",
        "kind": "Cluster",
    },
    "confluentcloud:index/serviceAccount:ServiceAccount": {
        "apiVersion": "iam/v2",
        "kind": "ServiceAccount",
    },
    "confluentcloud:index/apiKey:ApiKey": {"secret": secret("key-secret")},
    "eks:index:Cluster": {
        "kubeconfigJson": json.dumps(
            {"clusters": [{"cluster": {"server": "https://abc.eks.example.com"}}]}
        )
    },
    "aws:iam/role:Role": {"arn": "arn:aws:iam::1:role/x"},
    "aws:index/getAvailabilityZones:getAvailabilityZones": {
        "names": ["us-east-2c", "us-east-2a", "us-east-2b"],
        "zoneIds": [],
        "id": "zones",
    },
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": {
        "locations": ["us-east-2a", "us-east-2b", "us-east-2c"]
    },
    "aws:ec2/launchTemplate:LaunchTemplate": {"latestVersion": 1},
    "confluentcloud:index/getSchemaRegistryCluster:getSchemaRegistryCluster": {
        "id": "lsrc-1",
        "apiVersion": "srcm/v3",
        "kind": "Cluster",
        "resourceName": "crn://registry",
        "restEndpoint": "https://psrc-1.us-east-2.aws.confluent.cloud",
    },
    "aws:acm/certificate:Certificate": {
        "arn": "arn:aws:acm:us-east-2:1:certificate/1",
        "domainValidationOptions": [
            {
                "resourceRecordName": "_1.api.example.com.",
                "resourceRecordType": "CNAME",
                "resourceRecordValue": "_2.acm-validations.aws.",
            }
        ],
    },
    "aws:eks/getAddonVersion:getAddonVersion": {"version": "v1.2.3-eksbuild.1"},
    "aws:eks/getNodeGroup:getNodeGroup": {"scalingConfigs": [{"desiredSize": 2}]},
    "kubernetes:core/v1:Service": {
        "status": {"loadBalancer": {"ingress": [{"hostname": "lb.example.com"}]}}
    },
    "kubernetes:helm.sh/v3:Release": {"status": {"namespace": "kong-dp", "status": "deployed"}},
}


def answer(kind: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a resource or a call has beyond its inputs."""
    return OUTPUTS.get(kind, {})


def reader(stack: str, **changes: Any) -> ConfigReader:
    """Return the committed configuration of ``stack`` with ``changes``, as the engine gives it."""
    values: dict[str, Any] = {}
    committed = yaml.safe_load((STACKS / f"Pulumi.{stack}.yaml").read_text())["config"]
    for key, value in committed.items():
        if key.startswith("kafka-gateway:"):
            values[key.removeprefix("kafka-gateway:")] = value
    if values.get("controlPlane") == "konnect":
        values["konnectToken"] = "kpat_planted"
    else:
        values["imageDigest"] = DIGEST
    if values.get("publicEndpoint") is False:
        values |= PEER
    values |= changes
    return ConfigReader(stack, {key: _text(value) for key, value in values.items()})


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def stand_up(stack: str, preview: bool = False, **changes: Any) -> list[Registration]:
    """Return everything that the program of a cloud stack registers."""
    from components.cloud.stack import stand_up as program

    return register(lambda: program(reader(stack, **changes)), answer, stack=stack, preview=preview)


def stand_up_part(
    make: Callable[[CloudConfig], object], stack: str, **changes: Any
) -> list[Registration]:
    """Return what ``make`` registers for a stack's configuration: one component of it."""
    return register(lambda: make(read_cloud(reader(stack, **changes))), answer, stack=stack)


def given_cluster() -> KubernetesCluster:
    """Return a cluster with storage and nodes, as a component of it hands it on."""
    owner, storage, nodes = (
        pulumi.CustomResource(f"test:index:{name}", f"cluster{name}", {})
        for name in ("", "-storage", "-nodes")
    )
    return KubernetesCluster(
        kubernetes.Provider("cluster-kubernetes", kubeconfig="{}"),
        pulumi.Output.secret("{}"),
        owner,
        storage_class="kafka-gateway",
        ready=(storage, nodes),
    )


def bare(value: Any) -> Any:
    """Return ``value`` without the wrapper of a secret."""
    return value["value"] if isinstance(value, Mapping) and SIGNATURE_KEY in value else value


def of(found: list[Registration], kind: str) -> dict[str, Registration]:
    """Return the resources of one type by name."""
    return {one.name: one for one in found if one.type == kind}
