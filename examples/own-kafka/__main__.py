# SPDX-License-Identifier: Apache-2.0
"""Topics on a Kafka that is there, and the rules of the gateway's user.

`pulumi config set bootstrapServers host:9092`, `pulumi config set user admin`,
`pulumi config set --secret password …`; `caFile` when its authority is one of your own.
"""

from __future__ import annotations

from pathlib import Path

import pulumi

from provider.client import KafkaAcl, KafkaTopic

config = pulumi.Config()
endpoint = {
    "bootstrapServers": config.require("bootstrapServers"),
    "user": config.require("user"),
    "password": config.require_secret("password"),
}
authority = config.get("caFile")
if authority is not None:
    endpoint["caPem"] = Path(authority).read_text()

for name, partitions in (("orders", 3), ("payments", 1)):
    topic = KafkaTopic(
        name,
        endpoint=endpoint,
        name=name,
        partitions=partitions,
        config={"retention.ms": 604_800_000},
    )
    KafkaAcl(
        f"{name}-gateway",
        endpoint=endpoint,
        principal="User:gateway",
        resource_type="topic",
        resource_name=topic.topic_name,
        operation="write",
    )
