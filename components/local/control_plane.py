# SPDX-License-Identifier: Apache-2.0
"""The control plane as a process on this machine."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.config.local import Ports, port_key
from components.endpoints import ClusterIdentity, ControlPlaneEndpoint
from components.local.certificates import CONTROL_PLANE_NAME
from components.local.layout import GATEWAY, LOOPBACK, STATE, code_digest
from provider.client import Credential, Process


@dataclass(frozen=True)
class LocalControlPlaneArgs:
    """What a control plane needs: its ports, its certificate, how much it logs."""

    ports: Ports
    identity: ClusterIdentity
    log_level: str


class LocalControlPlane(pulumi.ComponentResource):
    """Our control plane with its Admin API and the listener for data planes, both on loopback."""

    def __init__(
        self, name: str, args: LocalControlPlaneArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kafka-gateway:local:LocalControlPlane", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        token = Credential(f"{name}-admin-token", prefix="admin", opts=child)
        directory = STATE / "control-plane"
        ports = args.ports
        self.process = Process(
            name,
            name=name,
            directory=str(directory),
            command=[GATEWAY, "run"],
            environment={
                "KONG_ROLE": "control_plane",
                "KONG_PREFIX": str(directory / "data"),
                "KONG_ADMIN_LISTEN": f"{LOOPBACK}:{ports.admin}",
                "KONG_CLUSTER_LISTEN": f"{LOOPBACK}:{ports.cluster}",
                "KONG_STATUS_LISTEN": f"{LOOPBACK}:{ports.control_plane_status}",
                "KONG_CLUSTER_MTLS": "pki",
                "KONG_CLUSTER_CERT": str(directory / "cluster.crt"),
                "KONG_CLUSTER_CERT_KEY": str(directory / "cluster.key"),
                "KONG_CLUSTER_CA_CERT": str(directory / "cluster-ca.crt"),
                "KONG_ADMIN_TOKEN_FILE": str(directory / "admin-token"),
                "KONG_LOG_LEVEL": args.log_level,
            },
            files={
                "cluster.crt": args.identity.certificate_pem,
                "cluster.key": args.identity.private_key_pem,
                "cluster-ca.crt": args.identity.ca_pem,
                "admin-token": token.secret,
            },
            reload_on=["cluster.crt", "cluster.key", "cluster-ca.crt", "admin-token"],
            ports={k: getattr(ports, k) for k in ("admin", "cluster", "control_plane_status")},
            port_keys={k: port_key(k) for k in ("admin", "cluster", "control_plane_status")},
            ready={
                "kind": "http",
                "url": f"http://{LOOPBACK}:{ports.control_plane_status}/status/ready",
                "timeoutSeconds": 30,
            },
            stop_timeout_seconds=10,
            digest=code_digest("gateway"),
            remove_directory=True,
            opts=child,
        )
        admin_url = f"http://{LOOPBACK}:{ports.admin}"
        self.endpoint = ControlPlaneEndpoint(
            admin_url=self.process.running.apply(lambda _: admin_url),
            admin_token=token.secret,
            cluster=pulumi.Output.from_input(f"{LOOPBACK}:{ports.cluster}"),
            cluster_server_name=pulumi.Output.from_input(CONTROL_PLANE_NAME),
        )
        self.register_outputs({"adminUrl": admin_url})
