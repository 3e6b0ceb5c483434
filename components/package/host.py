# SPDX-License-Identifier: Apache-2.0
"""The package ``kafka-gateway``: which components it has, and the plugin that makes them."""

from __future__ import annotations

import sys
from typing import Any

import pulumi
from pulumi import InputPropertiesError
from pulumi.provider import ConstructResult
from pulumi.provider import main as serve_provider
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError

from components.package.cluster import ClusterCertificates, EksCluster
from components.package.kafka import ConfluentKafka
from components.package.local import (
    LocalCertificates,
    LocalControlPlane,
    LocalDataPlane,
    LocalKafka,
)
from components.package.releases import ControlPlaneRelease, DataPlaneRelease, GatewayRoutes
from gateway import __version__

PACKAGE = "kafka-gateway"
COMPONENTS: tuple[type[pulumi.ComponentResource], ...] = (
    ConfluentKafka,
    EksCluster,
    ClusterCertificates,
    ControlPlaneRelease,
    GatewayRoutes,
    DataPlaneRelease,
    LocalCertificates,
    LocalKafka,
    LocalControlPlane,
    LocalDataPlane,
)


class Components(ComponentProvider):
    """Makes components of the schema that the SDK's analyzer finds in their annotations.

    What ``component_provider_host`` serves, and an object may come as one output besides: from
    another component, say. The SDK takes that one for an empty object.
    """

    def __init__(self) -> None:
        super().__init__(list(COMPONENTS), PACKAGE, version=__version__)

    def map_inputs(self, inputs: Any, component_def: Any) -> Any:
        """Return the arguments by their names in Python; objects keep the names of the schema."""
        missing = [
            name
            for name, found in component_def.inputs.items()
            if not found.optional and inputs.get(name) is None
        ]
        if missing:
            listed = ", ".join(f"{name} is required" for name in missing)
            raise InputPropertiesError(listed, [])
        names = component_def.inputs_mapping
        return {names[name]: value for name, value in inputs.items() if name in names}

    def construct(
        self, name: str, resource_type: str, inputs: Any, options: Any = None
    ) -> ConstructResult:
        """Make a component; what is wrong with its arguments is told without a traceback."""
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as failed:
            if isinstance(failed.inner, pulumi.RunError):
                raise InputPropertiesError(str(failed.inner), []) from None
            raise


def serve() -> None:
    """Serve the engine whose address is the last argument."""
    serve_provider(Components(), sys.argv[1:])
