# SPDX-License-Identifier: Apache-2.0
"""Documents as `pulumi preview --json` prints them, for tests of what is made of them.

`python -m tests.support.previews` writes those of tests/vectors/previews anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "previews"
CLUSTER = "confluentcloud:index/kafkaCluster:KafkaCluster"
TOPIC = "confluentcloud:index/kafkaTopic:KafkaTopic"
CONFIGURATION = "gateway:index:Configuration"
RELEASE = "kubernetes:helm.sh/v3:Release"
PARENTS = "kafka-gateway:confluent:ConfluentKafka$"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
PLANTED = "planted-in-a-preview-1f0c"
"""A secret that the engine did not mark: it must not come out again."""


def urn(stack: str, token: str, name: str) -> str:
    """Return a URN of this project."""
    return f"urn:pulumi:{stack}::kafka-gateway::{PARENTS}{token}::{name}"


def state(resource: str, inputs: Mapping[str, Any], protect: bool = False) -> dict[str, Any]:
    """Return one side of a step."""
    token = resource.split("::")[2].split("$")[-1]
    return {
        "urn": resource,
        "custom": True,
        "type": token,
        "inputs": dict(inputs),
        **({"protect": True} if protect else {}),
    }


def step(
    op: str,
    resource: str,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
    kinds: Mapping[str, str] | None = None,
    protect: bool = False,
) -> dict[str, Any]:
    """Return one step; ``kinds`` is property path to kind of difference."""
    made: dict[str, Any] = {"op": op, "urn": resource}
    if old is not None:
        made["oldState"] = state(resource, old, protect)
    if new is not None:
        made["newState"] = state(resource, new, protect)
    if kinds:
        made["diffReasons"] = sorted({path.split(".")[0].split("[")[0] for path in kinds})
        replacing = [path for path, kind in kinds.items() if kind.endswith("-replace")]
        if replacing:
            made["replaceReasons"] = replacing
        made["detailedDiff"] = {
            path: {"kind": kind, "inputDiff": True} for path, kind in kinds.items()
        }
    else:
        made["detailedDiff"] = None
    return made


def document(
    steps: Sequence[Mapping[str, Any]],
    same: int = 0,
    diagnostics: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Return a whole document."""
    summary: dict[str, int] = {"same": same} if same else {}
    for item in steps:
        summary[item["op"]] = summary.get(item["op"], 0) + 1
    return {
        "config": {"kafka-gateway:kafka": "[secret]"},
        "steps": list(steps),
        "diagnostics": [{"severity": kind, "message": text} for kind, text in diagnostics],
        "duration": 4_000_000_000,
        "changeSummary": summary,
    }


def no_changes() -> dict[str, Any]:
    """Nothing to do."""
    return document([], same=31)


def first_deployment() -> dict[str, Any]:
    """Everything is new, and much is not known yet."""
    cluster = {"displayName": "cluster_0", "cloud": "AWS", "region": "us-east-2"}
    topic = {"topicName": "topictest", "partitionsCount": 1, "restEndpoint": UNKNOWN}
    release = {"chart": "./gateway/chart", "values": {"env": {"role": "data_plane"}}}
    return document(
        [
            step("create", urn("dev", CLUSTER, "cluster"), new=cluster),
            step("create", urn("dev", TOPIC, "topictest"), new=topic),
            step("create", urn("dev", RELEASE, "data-plane"), new=release),
        ]
    )


def one_topic_changed() -> dict[str, Any]:
    """One route writes to another topic; a token beside it changes too."""
    path = 'services["orders"].routes["in"].plugins["kafka-upstream"].config.topic'
    config = {"topic": "orders", "authentication": {"password": PLANTED}}
    plugins = {"kafka-upstream": {"config": config}}
    old = {"services": {"orders": {"routes": {"in": {"plugins": plugins}}}}}
    new = json.loads(json.dumps(old))
    changed = new["services"]["orders"]["routes"]["in"]["plugins"]["kafka-upstream"]["config"]
    changed["topic"] = "orders.v2"
    changed["authentication"]["password"] = f"{PLANTED}-2"
    secret = path.replace(".topic", ".authentication.password")
    kinds = {path: "update", secret: "update"}
    resource = urn("staging", CONFIGURATION, "routes")
    return document([step("update", resource, old, new, kinds)], same=40)


def cluster_replaced() -> dict[str, Any]:
    """A mistyped region: the engine replaces the cluster, and its topic with it."""
    cluster, topic = urn("prod", CLUSTER, "cluster"), urn("prod", TOPIC, "orders")
    old = {"displayName": "cluster_0", "region": "us-east-2"}
    new = {**old, "region": "us-west-2"}
    kinds = {"region": "update-replace"}
    here = {"topicName": "orders", "kafkaCluster": {"id": "lkc-1"}}
    there = {"topicName": "orders", "kafkaCluster": {"id": UNKNOWN}}
    moved = {"kafkaCluster.id": "update-replace"}
    return document(
        [
            step("create-replacement", cluster, old, new, kinds, protect=True),
            step("replace", cluster, old, new, kinds, protect=True),
            step("create-replacement", topic, here, there, moved),
            step("replace", topic, here, there, moved),
            step("delete-replaced", topic, here),
            step("delete-replaced", cluster, old, protect=True),
            step("delete", urn("prod", TOPIC, "audit"), {"topicName": "audit"}),
            step("update", urn("prod", RELEASE, "data-plane"), {"a": 1}, {"a": 2}, {"a": "update"}),
        ],
        same=36,
        diagnostics=[("warning", "warning: cluster lkc-1 could not be reached; its state is kept")],
    )


def failed() -> dict[str, Any]:
    """The configuration is wrong."""
    said = (
        "error: kafka-gateway:kafka-region: 'us-east-9' has no basic clusters; allowed: "
        "us-east-1, us-east-2\n```\n<script>@everyone</script>\n```"
    )
    return document([], diagnostics=[("error", said), ("info#err", "")])


def many(count: int = 500) -> dict[str, Any]:
    """A great many updates with long property paths."""
    steps = []
    for number in range(count):
        path = f'services["service-{number}"].routes["route-{number}"].paths[0]'
        old = {
            "services": {f"service-{number}": {"routes": {f"route-{number}": {"paths": ["/a"]}}}}
        }
        new = json.loads(json.dumps(old).replace("/a", "/b" * 40))
        resource = urn("dev", CONFIGURATION, f"routes-{number}")
        steps.append(step("update", resource, old, new, {path: "update"}))
    return document(steps, same=3)


DOCUMENTS = {
    "no-changes": no_changes,
    "first-deployment": first_deployment,
    "one-topic-changed": one_topic_changed,
    "cluster-replaced": cluster_replaced,
    "failed": failed,
}


def main() -> None:
    """Write the vectors."""
    VECTORS.mkdir(parents=True, exist_ok=True)
    for name, make in DOCUMENTS.items():
        (VECTORS / f"{name}.json").write_text(json.dumps(make(), indent=2) + "\n")


if __name__ == "__main__":
    main()
