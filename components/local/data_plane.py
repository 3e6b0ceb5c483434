# SPDX-License-Identifier: Apache-2.0
"""The data plane as a process with workers on this machine."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.config.local import Ports, port_key
from components.endpoints import ClusterIdentity, ControlPlaneEndpoint, KafkaEndpoint
from components.local.layout import GATEWAY, LOOPBACK, STATE, code_digest
from components.options import child_options
from provider.client import Process


@dataclass(frozen=True)
class LocalDataPlaneArgs:
    """What a data plane needs: ports, workers, certificate, control plane, Kafka keys."""

    ports: Ports
    workers: int
    identity: ClusterIdentity
    control_plane: ControlPlaneEndpoint
    kafka: KafkaEndpoint
    log_level: str


class LocalDataPlane(pulumi.ComponentResource):
    """Our data plane: a master with workers.

    What the routes' vault references read stands in the file ``vault.env``. A changed key and
    renewed certificates are taken over by a signal, without a restart.
    """

    def __init__(
        self, name: str, args: LocalDataPlaneArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kafka-gateway:local:LocalDataPlane", name, None, opts)
        directory = STATE / "data-plane"
        ports = args.ports
        trusted = str(directory / "kafka-ca.crt")
        self.process = Process(
            name,
            name=name,
            directory=str(directory),
            command=[GATEWAY, "run"],
            environment={
                "KONG_ROLE": "data_plane",
                "KONG_DATABASE": "off",
                "KONG_PREFIX": str(directory / "data"),
                "KONG_PROXY_LISTEN": f"{LOOPBACK}:{ports.proxy}, {LOOPBACK}:{ports.proxy_tls} ssl",
                "KONG_STATUS_LISTEN": f"{LOOPBACK}:{ports.status}",
                "KONG_CLUSTER_MTLS": "pki",
                "KONG_CLUSTER_CONTROL_PLANE": args.control_plane.cluster,
                "KONG_CLUSTER_SERVER_NAME": args.control_plane.cluster_server_name,
                "KONG_CLUSTER_CERT": str(directory / "cluster.crt"),
                "KONG_CLUSTER_CERT_KEY": str(directory / "cluster.key"),
                "KONG_CLUSTER_CA_CERT": str(directory / "cluster-ca.crt"),
                "KONG_LUA_SSL_TRUSTED_CERTIFICATE": f"system,{trusted}",
                "KONG_NGINX_WORKER_PROCESSES": str(args.workers),
                "KONG_LOG_LEVEL": args.log_level,
                "KAFKA_GATEWAY_ENV_FILE": str(directory / "vault.env"),
                # Next door: what is published right after a restart is confirmed at once.
                "KAFKA_GATEWAY_CLUSTER_RECONNECT_MIN": "0.5s",
                "KAFKA_GATEWAY_CLUSTER_RECONNECT_MAX": "1s",
            },
            files={
                "cluster.crt": args.identity.certificate_pem,
                "cluster.key": args.identity.private_key_pem,
                "cluster-ca.crt": args.identity.ca_pem,
                "kafka-ca.crt": args.kafka.ca_pem or "",
                "vault.env": pulumi.Output.concat(
                    "KAFKA_API_KEY=",
                    args.kafka.api_key,
                    "\nKAFKA_API_SECRET=",
                    args.kafka.api_secret,
                    "\n",
                ),
            },
            reload_on=["cluster.crt", "cluster.key", "cluster-ca.crt", "kafka-ca.crt", "vault.env"],
            ports={k: getattr(ports, k) for k in ("proxy", "proxy_tls", "status")},
            port_keys={k: port_key(k) for k in ("proxy", "proxy_tls", "status")},
            ready={
                "kind": "http",
                "url": f"http://{LOOPBACK}:{ports.status}/status/ready",
                "timeoutSeconds": 30,
            },
            stop_timeout_seconds=15,
            digest=code_digest("gateway"),
            remove_directory=True,
            opts=child_options(self, opts),
        )
        url = f"http://{LOOPBACK}:{ports.proxy}"
        self.proxy_url = self.process.running.apply(lambda _: url)
        self.register_outputs({"proxyUrl": self.proxy_url})
