# SPDX-License-Identifier: Apache-2.0
"""A control plane of Kong Konnect, with the data planes' certificate registered with it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import pulumi

from components.config.control_plane import KonnectConfig
from components.endpoints import ControlPlaneEndpoint, HybridIdentity
from provider.client import KonnectControlPlane, KonnectDataPlaneCertificate

TLS_PORT = 443


@dataclass(frozen=True)
class HostedControlPlaneArgs:
    """Where to make it, and the certificate that data planes will present."""

    config: KonnectConfig
    identity: HybridIdentity
    protect: bool


class HostedControlPlane(pulumi.ComponentResource):
    """A control plane that Konnect runs; it serves the data planes whose certificate it knows."""

    def __init__(
        self, name: str, args: HostedControlPlaneArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kafka-gateway:konnect:KonnectControlPlane", name, None, opts)
        token = args.config.token.output()
        url = args.config.address or f"https://{args.config.region}.api.konghq.com"
        api = {"url": url, "token": token}
        self.control_plane = made = KonnectControlPlane(
            name,
            api=api,
            name=args.config.name,
            description=f"kafka-gateway, stack {pulumi.get_stack()}",
            auth_type="pinned_client_certs",
            labels={"stack": pulumi.get_stack()},
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        certificate = KonnectDataPlaneCertificate(
            f"{name}-data-plane",
            api=api,
            control_plane_id=made.control_plane_id,
            certificate_pem=args.identity.certificate_pem,
            title=f"kafka-gateway {pulumi.get_stack()}",
            # The new certificate is registered before the old one goes: no data plane is cut off.
            opts=pulumi.ResourceOptions(parent=self, deleted_with=made),
        )
        entities = made.control_plane_id.apply(
            lambda identity: f"{url}/v2/control-planes/{identity}/core-entities"
        )
        # Not before its certificate is known may a data plane connect.
        cluster = pulumi.Output.all(made.control_plane_endpoint, certificate.certificate_id)
        self.endpoint = ControlPlaneEndpoint(
            admin_url=entities,
            admin_token=token,
            cluster=cluster.apply(lambda both: host_and_port(both[0])),
            kind="konnect",
            cluster_server_name=made.control_plane_endpoint.apply(host),
            telemetry=made.telemetry_endpoint.apply(host_and_port),
            telemetry_server_name=made.telemetry_endpoint.apply(host),
        )
        self.register_outputs({"cluster": self.endpoint.cluster})


def host(url: str) -> str:
    """Return the host of ``https://<id>.us.cp.konghq.com``."""
    return urlsplit(url).hostname or ""


def host_and_port(url: str) -> str:
    """Return host and port of a URL, 443 when it names none: what data planes are given."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or TLS_PORT}"
