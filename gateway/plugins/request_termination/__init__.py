# SPDX-License-Identifier: Apache-2.0
"""``request-termination``: respond in place of what is behind the gateway."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="request-termination",
    version=COMPATIBLE_WITH,
    priority=2,
    schema_path="gateway.plugins.request_termination.schema:Config",
    handler_path="gateway.plugins.request_termination.handler:RequestTermination",
    no_consumer_group=False,
    before_produce=760,
)
