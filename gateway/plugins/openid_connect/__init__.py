# SPDX-License-Identifier: Apache-2.0
"""``openid-connect``: let only requests pass that show a token of an OpenID provider."""

from typing import Any

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import WEBSOCKETS, PluginType


def _asks(config: Any) -> tuple[str, ...] | None:
    """Ask clients for their certificate, of any authority, where tokens are bound to one."""
    return None if config.proof_of_possession_mtls == "off" else ()


PLUGIN = PluginType(
    name="openid-connect",
    version=COMPATIBLE_WITH,
    priority=1050,
    schema_path="gateway.plugins.openid_connect.schema:Config",
    handler_path="gateway.plugins.openid_connect.handler:OpenIdConnect",
    no_consumer=True,
    asks=_asks,
    reads=("consumers", "consumer_groups"),
    further_protocols=WEBSOCKETS,
)
