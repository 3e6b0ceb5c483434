# SPDX-License-Identifier: Apache-2.0
"""``basic-auth``: let only requests pass that show a consumer's user name and password."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="basic-auth",
    version=COMPATIBLE_WITH,
    priority=1100,
    schema_path="gateway.plugins.basic_auth.schema:Config",
    handler_path="gateway.plugins.basic_auth.handler:BasicAuth",
    newer_protocols=("ws", "wss"),
    no_consumer=True,
    reads=("consumers", "basicauth_credentials"),
)
