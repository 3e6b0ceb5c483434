# SPDX-License-Identifier: Apache-2.0
"""``acl``: let consumers pass, or refuse them, by the groups that they are in."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import WEBSOCKETS, PluginType

PLUGIN = PluginType(
    name="acl",
    version=COMPATIBLE_WITH,
    priority=950,
    schema_path="gateway.plugins.acl.schema:Config",
    handler_path="gateway.plugins.acl.handler:AccessList",
    no_consumer=True,
    reads=("consumers", "acls", "consumer_groups", "consumer_group_consumers"),
    further_protocols=WEBSOCKETS,
)
