# SPDX-License-Identifier: Apache-2.0
"""The schema registry of a Confluent environment, and the gateway's own key for it."""

from __future__ import annotations

from collections.abc import Callable

import pulumi
import pulumi_confluentcloud as confluent

from components.config.secret import secret
from components.endpoints import SchemaRegistryEndpoint

KEY_TIMEOUTS = pulumi.CustomTimeouts(create="15m")


def make_registry_key(
    name: str,
    environment: confluent.Environment,
    cluster: confluent.KafkaCluster,
    account: confluent.ServiceAccount,
    options: Callable[..., pulumi.ResourceOptions],
) -> SchemaRegistryEndpoint:
    """Let ``account`` read every schema, with a key that opens nothing else.

    Confluent makes the registry itself, with the environment's first cluster.
    """
    there = pulumi.Output.all(environment.id, cluster.id).apply(
        lambda both: confluent.GetSchemaRegistryClusterEnvironmentArgs(id=str(both[0]))
    )
    found = confluent.get_schema_registry_cluster_output(
        environment=there,
        opts=pulumi.InvokeOptions(parent=options().parent, provider=options().provider),
    )
    allowed = confluent.RoleBinding(
        f"{name}-schemas",
        principal=account.id.apply(lambda identity: f"User:{identity}"),
        role_name="DeveloperRead",
        crn_pattern=found.resource_name.apply(lambda crn: f"{crn}/subject=*"),
        opts=options(delete_before_replace=True, deleted_with=environment),
    )
    key = confluent.ApiKey(
        f"{name}-schemas-key",
        display_name=f"kafka-gateway-{pulumi.get_stack()}-schemas",
        owner={"id": account.id, "api_version": account.api_version, "kind": account.kind},
        managed_resource={
            "id": found.id,
            "api_version": found.api_version,
            "kind": found.kind,
            "environment": {"id": environment.id},
        },
        opts=options(
            depends_on=[allowed],
            deleted_with=environment,
            custom_timeouts=KEY_TIMEOUTS,
            additional_secret_outputs=["secret"],
        ),
    )
    return SchemaRegistryEndpoint(found.rest_endpoint, key.id, secret(key.secret))
