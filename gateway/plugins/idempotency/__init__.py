# SPDX-License-Identifier: Apache-2.0
"""``idempotency``: a request that is sent again under the same key gets its first answer again."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="idempotency",
    version=COMPATIBLE_WITH,
    # Behind authentication, limits and what changes requests (800 and above), before the plugins
    # that write records (752 and 751): what is answered from the store writes none.
    priority=758,
    schema_path="gateway.plugins.idempotency.schema:Config",
    handler_path="gateway.plugins.idempotency.handler:Idempotency",
)
