# SPDX-License-Identifier: Apache-2.0
"""``openid-connect``: let only requests pass that show a token of an OpenID provider."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import WEBSOCKETS, PluginType
from gateway.plugins.openid_connect.schema import Config


def _asks(config: Config) -> tuple[str, ...] | None:
    """Ask clients for their certificate, of any authority, where tokens are bound to one."""
    return None if config.proof_of_possession_mtls == "off" else ()


PLUGIN = PluginType(
    name="openid-connect",
    version=COMPATIBLE_WITH,
    priority=1050,
    schema=Config,
    handler_path="gateway.plugins.openid_connect.handler:OpenIdConnect",
    no_consumer=True,
    asks=_asks,
    reads=("consumers", "consumer_groups"),
    further_protocols=WEBSOCKETS,
)

__all__ = ["PLUGIN", "Config"]
