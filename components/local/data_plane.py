# SPDX-License-Identifier: Apache-2.0
"""The data plane as a process with workers on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from components.config.local import Ports
from components.config.secret import Secret
from components.endpoints import ControlPlaneEndpoint, HybridIdentity, KafkaEndpoint
from components.local.gateway_process import GatewayProcessArgs, directory_of, gateway_process
from components.local.layout import LOOPBACK
from components.options import child_options
from provider.client import PrivateFiles

VAULT_FILE = "vault.env"
"""In the data plane's folder: what vault references read."""


@dataclass(frozen=True)
class LocalDataPlaneArgs:
    """What a data plane needs: ports, workers, certificate, control plane, Kafka keys."""

    ports: Ports
    workers: int
    identity: HybridIdentity
    control_plane: ControlPlaneEndpoint
    kafka: KafkaEndpoint
    log_level: str
    compatibility_version: str
    secrets: Mapping[str, Secret] = field(default_factory=dict)


class LocalSecrets(pulumi.ComponentResource):
    """What routes name as ``{vault://env/NAME}``, where a data plane reads it, before the routes.

    A data plane that runs reads the file with each release, so one `up` may bring a secret and the
    first route that names it. ``opts``: those of the component.
    """

    def __init__(
        self,
        name: str,
        data_plane: str,
        kafka: KafkaEndpoint,
        secrets: Mapping[str, Secret],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kafka-gateway:local:LocalSecrets", name, None, opts)
        self.files = PrivateFiles(
            name,
            directory=directory_of(data_plane),
            files={VAULT_FILE: vault_file(kafka, secrets)},
            opts=child_options(self, opts),
        )
        self.register_outputs({})


class LocalDataPlane(pulumi.ComponentResource):
    """Our data plane: a master with workers.

    What the routes' vault references read stands in the file ``vault.env``. A changed key and
    renewed certificates are taken over by a signal, without a restart.
    """

    def __init__(
        self, name: str, args: LocalDataPlaneArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kafka-gateway:local:LocalDataPlane", name, None, opts)
        directory, ports, kafka = directory_of(name), args.ports, args.kafka
        wanted = GatewayProcessArgs(
            role="data_plane",
            ports=ports,
            listens=("proxy", "proxy_tls", "status"),
            identity=args.identity,
            log_level=args.log_level,
            compatibility_version=args.compatibility_version,
            environment={
                "KONG_DATABASE": "off",
                "KONG_PROXY_LISTEN": f"{LOOPBACK}:{ports.proxy}, {LOOPBACK}:{ports.proxy_tls} ssl",
                "KONG_CLUSTER_CONTROL_PLANE": args.control_plane.cluster,
                "KONG_CLUSTER_SERVER_NAME": args.control_plane.cluster_server_name,
                "KONG_LUA_SSL_TRUSTED_CERTIFICATE": f"system,{directory}/kafka-ca.crt",
                "KAFKA_GATEWAY_TRACE_REQUESTS": "on",
                "KONG_NGINX_WORKER_PROCESSES": str(args.workers or "auto"),
                "KAFKA_GATEWAY_ENV_FILE": f"{directory}/{VAULT_FILE}",
                # Next door: what is published right after a restart is confirmed at once.
                "KAFKA_GATEWAY_CLUSTER_RECONNECT_MIN": "0.5s",
                "KAFKA_GATEWAY_CLUSTER_RECONNECT_MAX": "1s",
            },
            files={
                "kafka-ca.crt": kafka.ca_pem or "",
                VAULT_FILE: vault_file(kafka, args.secrets),
            },
            stop_timeout_seconds=15,
        )
        self.process = gateway_process(name, wanted, child_options(self, opts))
        url = f"http://{LOOPBACK}:{ports.proxy}"
        self.proxy_url = self.process.running.apply(lambda _: url)
        self.register_outputs({"proxyUrl": self.proxy_url})


def vault_file(kafka: KafkaEndpoint, secrets: Mapping[str, Secret]) -> pulumi.Output[str]:
    """Return the variables that the routes' vault references read, one a line."""
    lines: list[pulumi.Input[str]] = []
    for name, value in secrets.items():
        # One pair of quotes is taken off; a value may have others and blanks at its ends.
        lines += [name, '="', value.output(), '"\n']
    return pulumi.Output.concat(
        "KAFKA_API_KEY=", kafka.api_key, "\nKAFKA_API_SECRET=", kafka.api_secret, "\n", *lines
    )
