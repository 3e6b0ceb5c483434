# SPDX-License-Identifier: Apache-2.0
"""Which plugins there are: found by entry points of group ``kafka_gateway.plugins``.

What an entry point names is light: a node has need of the schemas of the few plugins that its
configuration uses, and those of all would be a fifth of its start.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from gateway.entities.types import PluginProtocol
from gateway.errors import SchemaViolation
from gateway.names.spelling import choices
from gateway.settings.compatibility import is_newer

GROUP = "kafka_gateway.plugins"
ANY_PROTOCOL: tuple[str, ...] = get_args(PluginProtocol)
WEBSOCKETS = ("ws", "wss")


@dataclass(frozen=True)
class PluginType:
    """A plugin as the registry knows it.

    Its schema is imported where it is used, its handler only where requests are served.
    """

    name: str
    version: str
    priority: int
    schema_path: str
    """``package.module:Class`` of the model of its ``config``."""
    handler_path: str
    """``package.module:Class``."""
    protocols: tuple[str, ...] = ("grpc", "grpcs", "http", "https")
    """The default of a use's ``protocols``."""
    newer_protocols: tuple[str, ...] = ()
    """What compatibility version 3.14 adds to them."""
    further_protocols: tuple[str, ...] = ()
    """What a use may name beyond its defaults of either version."""
    no_consumer: bool = False
    no_consumer_group: bool = True
    no_service: bool = False
    no_route: bool = False
    asks: Callable[[Any], Sequence[str] | None] | None = None
    """Its settings to the ids of the authorities that clients are told when a TLS handshake asks
    for their certificate: none where it just asks; None where these settings need none."""
    reads: tuple[str, ...] = ()
    """Collections that its handlers look things up in: they are made anew when these change."""
    produces: bool = False
    """Its access handler responds to every request: none behind it in a chain runs then."""
    before_produce: int | None = None
    """The priority in a chain with a plugin that ``produces``, for one that would come too late;
    None: its own. Such a place is above 752, where Kong has the first of those."""

    def priority_in(self, produced: bool) -> int:
        """Return the priority in a chain with (``produced``) or without a plugin that produces."""
        return self.before_produce if produced and self.before_produce else self.priority

    def refuses(self, scope: str) -> bool:
        """Tell whether its use cannot be limited to a ``consumer``, ``consumer_group``, …"""
        return bool(getattr(self, f"no_{scope}"))

    @cached_property
    def schema(self) -> type[BaseModel]:
        """The model of its ``config``."""
        found: type[BaseModel] = _imported(self.schema_path)
        return found

    @property
    def folder(self) -> Path:
        """The folder of the plugin, with its ``example.yaml``."""
        return Path(str(import_module(self.schema_path.partition(":")[0]).__file__)).parent

    def default_protocols(self) -> tuple[str, ...]:
        """Return the protocols of a use that names none, by the compatibility version in force."""
        if not is_newer():
            return self.protocols
        return tuple(sorted({*self.protocols, *self.newer_protocols}))

    def allowed_protocols(self) -> tuple[str, ...]:
        """Return the protocols that a use may name, sorted."""
        return tuple(sorted({*self.protocols, *self.newer_protocols, *self.further_protocols}))

    def handler(self) -> Any:
        """Import and return the handler class, a subclass of ``gateway.plugins.base.Handler``."""
        return _imported(self.handler_path)


def _imported(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


@cache
def plugin_types() -> dict[str, PluginType]:
    """Return all installed plugins by name, in the order of their names; read once a process."""
    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return {point.name: point.load() for point in found}


def plugin_type(name: str) -> PluginType:
    """Return the plugin of this name; raises ``SchemaViolation`` naming the allowed ones."""
    found = plugin_types().get(name)
    if found is None:
        raise SchemaViolation({"name": unknown_plugin(name)}, "plugins")
    return found


def unknown_plugin(name: str) -> str:
    """Return the text for a plugin that is not installed: nearest spelling and allowed names."""
    return f'plugin "{name}" is not installed; {choices(name, plugin_types(), likeness=0.5)}'
