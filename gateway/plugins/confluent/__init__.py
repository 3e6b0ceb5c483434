# SPDX-License-Identifier: Apache-2.0
"""``confluent``: answer a request by writing it to a topic in Confluent Cloud."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="confluent",
    version=COMPATIBLE_WITH,
    priority=752,
    schema_path="gateway.plugins.confluent.schema:Config",
    handler_path="gateway.plugins.confluent.handler:Confluent",
    produces=True,
)
