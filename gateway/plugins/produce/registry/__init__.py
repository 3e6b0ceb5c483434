# SPDX-License-Identifier: Apache-2.0
"""The schema registry: fetching schemas, and records in Confluent's wire format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.plugins.base import PluginContext

if TYPE_CHECKING:
    from gateway.plugins.produce.registry.stage import SchemaStage


def schema_stage(config: Any, context: PluginContext) -> SchemaStage | None:
    """Return what makes records of messages by schemas, if any; raises ``ReleaseRefused``."""
    block = config.schema_registry
    if block is None or block.confluent is None:
        return None
    # Imported late: most workers have no schema registry.
    from gateway.plugins.produce.registry.client import RegistryPool
    from gateway.plugins.produce.registry.stage import SchemaStage

    registries = RegistryPool.beside(context.producers)
    return SchemaStage(block.confluent, registries, context.trusted_ca, context.plugin_id)
