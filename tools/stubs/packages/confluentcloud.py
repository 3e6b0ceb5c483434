# SPDX-License-Identifier: Apache-2.0
"""Confluent Cloud: ids, outputs and replacements as its provider documents them."""

from __future__ import annotations

from typing import Any

from tools.stubs.package import PROVIDER, Call, Package, Properties, StubType, digits
from tools.stubs.world import World

LETTERS = "0123456789abcdefghjkmnpqrstuvwxyz"
KINDS = ("basic", "standard", "dedicated", "enterprises", "freights")


def _identity(prefix: str) -> Any:
    return lambda seed, inputs: f"{prefix}-{digits(seed, 6, LETTERS)}"


def _environment(identity: str, inputs: Properties) -> Properties:
    return {"resourceName": f"crn://confluent.cloud/organization=stub/environment={identity}"}


def _cluster(identity: str, inputs: Properties) -> Properties:
    host = f"pkc-{identity[4:]}.{inputs.get('region')}.aws.confluent.cloud"
    crn = f"crn://confluent.cloud/organization=stub/cloud-cluster={identity}"
    return {
        "apiVersion": "cmk/v2",
        "kind": "Cluster",
        # With the scheme in front, as the real one has it.
        "bootstrapEndpoint": f"SASL_SSL://{host}:9092",
        "restEndpoint": f"https://{host}:443",
        "rbacCrn": crn,
    }


def _cluster_replacing(old: Properties, new: Properties) -> set[str]:
    """Basic becomes standard in place; every other change of type is a new cluster."""
    before = {kind for kind in KINDS if old.get(kind) is not None}
    after = {kind for kind in KINDS if new.get(kind) is not None}
    if before == after or (before, after) == ({"basic"}, {"standard"}):
        return set()
    return before | after


def _topic_replacing(old: Properties, new: Properties) -> set[str]:
    return {"partitionsCount"} if new["partitionsCount"] < old["partitionsCount"] else set()


def _refuse_topic(old: Properties | None, new: Properties, world: World) -> str:
    removed = set((old or {}).get("config") or {}) - set(new.get("config") or {})
    if not removed:
        return ""
    return (
        "error updating Kafka Topic: reset to topic setting's default value operation (in other "
        "words, removing topic settings from 'configs' block) is not supported at the moment."
    )


def _secret(identity: str, inputs: Properties) -> Properties:
    return {"secret": f"cfltstub{digits(identity + 'secret', 56, LETTERS)}"}


def _acl_id(seed: str, inputs: Properties) -> str:
    parts = ("resourceType", "resourceName", "principal", "operation")
    return f"{_kafka_id(inputs)}/" + "#".join(str(inputs[part]) for part in parts)


def _kafka_id(inputs: Properties) -> str:
    """The cluster is named by the resource, or by the provider that it uses."""
    own = inputs.get("kafkaCluster") or {}
    return str(own.get("id") or inputs[PROVIDER].get("kafkaId"))


def _registry(call: Call) -> Properties:
    """The registry of an environment is there with its first cluster."""
    environment = call.arguments["environment"]["id"]
    identity = f"lsrc-{digits(environment, 6, LETTERS)}"
    crn = f"crn://confluent.cloud/organization=stub/environment={environment}"
    return {
        **call.arguments,
        "id": identity,
        "apiVersion": "srcm/v3",
        "kind": "Cluster",
        "resourceName": f"{crn}/schema-registry={identity}",
        "restEndpoint": f"https://psrc-{identity[5:]}.us-east-2.aws.confluent.cloud",
    }


ACL = ("host", "kafkaCluster", "operation", "patternType", "permission", "principal")

PACKAGE = Package(
    name="confluentcloud",
    types={
        "confluentcloud:index/environment:Environment": StubType(
            _identity("env"), _environment, autoname=("displayName",)
        ),
        "confluentcloud:index/kafkaCluster:KafkaCluster": StubType(
            _identity("lkc"),
            _cluster,
            replaces=("availability", "cloud", "region", "environment"),
            replacing=_cluster_replacing,
            autoname=("displayName",),
        ),
        "confluentcloud:index/serviceAccount:ServiceAccount": StubType(
            _identity("sa"),
            lambda identity, inputs: {"apiVersion": "iam/v2", "kind": "ServiceAccount"},
            replaces=("displayName",),
            autoname=("displayName",),
        ),
        "confluentcloud:index/roleBinding:RoleBinding": StubType(
            _identity("rb"), replaces=("principal", "roleName", "crnPattern")
        ),
        "confluentcloud:index/apiKey:ApiKey": StubType(
            lambda seed, inputs: digits(seed, 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
            _secret,
            replaces=("owner", "managedResource"),
            secrets=("secret",),
            autoname=("displayName",),
        ),
        "confluentcloud:index/kafkaTopic:KafkaTopic": StubType(
            lambda seed, inputs: f"{_kafka_id(inputs)}/{inputs['topicName']}",
            replaces=("topicName", "kafkaCluster"),
            replacing=_topic_replacing,
            refuses=_refuse_topic,
            defaults={"partitionsCount": 6},
        ),
        "confluentcloud:index/kafkaAcl:KafkaAcl": StubType(
            _acl_id, replaces=(*ACL, "resourceName", "resourceType")
        ),
    },
    invokes={"confluentcloud:index/getSchemaRegistryCluster:getSchemaRegistryCluster": _registry},
)
