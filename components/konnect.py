# SPDX-License-Identifier: Apache-2.0
"""A control plane on Kong Konnect, and our data planes' certificate registered with it."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.config.cloud import KonnectConfig
from components.endpoints import ClusterIdentity, ControlPlaneEndpoint
from provider.client import KonnectControlPlane as ControlPlane
from provider.client import KonnectDataPlaneCertificate


@dataclass(frozen=True)
class KonnectControlPlaneArgs:
    """Which control plane, and who may connect to it."""

    config: KonnectConfig
    identity: ClusterIdentity
    stack: str
    protect: bool


class KonnectControlPlane(pulumi.ComponentResource):
    """A Konnect control plane that trusts exactly the stack's data-plane certificate."""

    def __init__(
        self, name: str, args: KonnectControlPlaneArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kafka-gateway:konnect:KonnectControlPlane", name, None, opts)
        token = args.config.token.output()
        url = args.config.address or f"https://{args.config.region}.api.konghq.com"
        api = {"url": url, "token": token}
        self.control_plane = ControlPlane(
            name,
            api=api,
            name=args.config.name,
            description=f"kafka-gateway, stack {args.stack}",
            auth_type="pinned_client_certs",
            labels={"stack": args.stack},
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self.certificate = KonnectDataPlaneCertificate(
            f"{name}-data-plane",
            api=api,
            control_plane_id=self.control_plane.control_plane_id,
            certificate_pem=args.identity.certificate_pem,
            title=f"kafka-gateway {args.stack}",
            opts=pulumi.ResourceOptions(parent=self, deleted_with=self.control_plane),
        )
        cluster = self.control_plane.control_plane_endpoint.apply(host)
        telemetry = self.control_plane.telemetry_endpoint.apply(host)
        self.endpoint = ControlPlaneEndpoint(
            admin_url=self.control_plane.control_plane_id.apply(
                lambda id_: f"{url}/v2/control-planes/{id_}/core-entities"
            ),
            admin_token=token,
            cluster=cluster.apply(lambda name_: f"{name_}:443"),
            cluster_server_name=cluster,
            kind="konnect",
            telemetry=telemetry.apply(lambda name_: f"{name_}:443"),
            telemetry_server_name=telemetry,
        )
        self.register_outputs({"controlPlaneId": self.control_plane.control_plane_id})


def host(endpoint: str) -> str:
    """Return the host of an endpoint such as ``https://<prefix>.us.cp0.konghq.com``."""
    return endpoint.removeprefix("https://").rstrip("/").partition(":")[0]
