# SPDX-License-Identifier: Apache-2.0
"""The control plane as a process on this machine."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.config.local import Ports
from components.endpoints import ControlPlaneEndpoint, HybridIdentity, KafkaEndpoint
from components.local.certificates import CONTROL_PLANE_NAME
from components.local.gateway_process import GatewayProcessArgs, directory_of, gateway_process
from components.local.layout import LOOPBACK
from provider.client import Credential


@dataclass(frozen=True)
class LocalControlPlaneArgs:
    """What a control plane needs: its ports, its certificate, how much it logs."""

    ports: Ports
    identity: HybridIdentity
    log_level: str
    compatibility_version: str
    kafka: KafkaEndpoint | None = None
    """The one whose records the page shows; None: it shows none."""


class LocalControlPlane(pulumi.ComponentResource):
    """Our control plane: Admin API, page, and the listener for data planes, all on loopback."""

    def __init__(
        self, name: str, args: LocalControlPlaneArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kafka-gateway:local:LocalControlPlane", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        token = Credential(f"{name}-admin-token", prefix="admin", opts=child)
        ports = args.ports
        wanted = GatewayProcessArgs(
            role="control_plane",
            ports=ports,
            listens=("admin", "admin_gui", "cluster", "control_plane_status"),
            identity=args.identity,
            log_level=args.log_level,
            compatibility_version=args.compatibility_version,
            environment={
                "KONG_ADMIN_LISTEN": f"{LOOPBACK}:{ports.admin}",
                "KONG_ADMIN_GUI_LISTEN": f"{LOOPBACK}:{ports.admin_gui}",
                "KONG_CLUSTER_LISTEN": f"{LOOPBACK}:{ports.cluster}",
                "KONG_ADMIN_TOKEN_FILE": f"{directory_of(name)}/admin-token",
                **_reader(args, directory_of(name)),
            },
            files={"admin-token": token.secret, **_reader_files(args.kafka)},
        )
        self.process = gateway_process(name, wanted, child)
        admin_url = f"http://{LOOPBACK}:{ports.admin}"
        self.endpoint = ControlPlaneEndpoint(
            admin_url=self.process.running.apply(lambda _: admin_url),
            admin_token=token.secret,
            cluster=pulumi.Output.from_input(f"{LOOPBACK}:{ports.cluster}"),
            cluster_server_name=pulumi.Output.from_input(CONTROL_PLANE_NAME),
        )
        page_url = f"http://{LOOPBACK}:{ports.admin_gui}"
        self.page_url = self.process.running.apply(lambda _: page_url)
        self.register_outputs({"adminUrl": admin_url, "pageUrl": page_url})


def _reader(args: LocalControlPlaneArgs, directory: str) -> dict[str, pulumi.Input[str]]:
    """Return the settings by which the page reads topics."""
    if args.kafka is None:
        return {}
    return {
        "KAFKA_GATEWAY_PAGE_KAFKA": f"{LOOPBACK}:{args.ports.kafka}",
        "KAFKA_GATEWAY_PAGE_KAFKA_USER": args.kafka.reader_key,
        "KAFKA_GATEWAY_PAGE_KAFKA_PASSWORD_FILE": f"{directory}/reader-secret",
        "KAFKA_GATEWAY_PAGE_KAFKA_CA": f"{directory}/kafka-ca.crt",
    }


def _reader_files(kafka: KafkaEndpoint | None) -> dict[str, pulumi.Input[str]]:
    if kafka is None:
        return {}
    return {"reader-secret": kafka.reader_secret, "kafka-ca.crt": kafka.ca_pem or ""}
