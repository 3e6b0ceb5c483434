# SPDX-License-Identifier: Apache-2.0
"""The gateway as a process on this machine, in either of its roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from components.config.local import Ports, port_key
from components.config.stack import version_environment
from components.endpoints import HybridIdentity
from components.local.layout import GATEWAY, LOOPBACK, STATE, code_digest
from provider.client import Process


@dataclass(frozen=True)
class GatewayProcessArgs:
    """What a role needs beside what both have.

    ``listens`` names the fields of ``ports`` that it uses, the status API's last. ``environment``
    and ``files`` are the role's own; each file is taken over by a signal, without a restart.
    """

    role: str
    ports: Ports
    listens: tuple[str, ...]
    identity: HybridIdentity
    log_level: str
    compatibility_version: str
    environment: Mapping[str, pulumi.Input[str]]
    files: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    stop_timeout_seconds: int = 10


def directory_of(name: str) -> str:
    """Return where the process ``name`` has its files."""
    return str(STATE / name)


def gateway_process(name: str, args: GatewayProcessArgs, opts: pulumi.ResourceOptions) -> Process:
    """Run the gateway in a role; it is there once its status API says that it is ready."""
    directory = directory_of(name)
    status = f"{LOOPBACK}:{getattr(args.ports, args.listens[-1])}"
    files = {
        "cluster.crt": args.identity.certificate_pem,
        "cluster.key": args.identity.private_key_pem,
        "cluster-ca.crt": args.identity.ca_pem,
        **args.files,
    }
    return Process(
        name,
        name=name,
        directory=directory,
        command=[GATEWAY, "run"],
        environment={
            "KONG_ROLE": args.role,
            "KONG_PREFIX": f"{directory}/data",
            "KONG_STATUS_LISTEN": status,
            "KONG_CLUSTER_MTLS": "pki",
            "KONG_CLUSTER_CERT": f"{directory}/cluster.crt",
            "KONG_CLUSTER_CERT_KEY": f"{directory}/cluster.key",
            "KONG_CLUSTER_CA_CERT": f"{directory}/cluster-ca.crt",
            "KONG_LOG_LEVEL": args.log_level,
            **version_environment(args.compatibility_version),
            **args.environment,
        },
        files=files,
        reload_on=list(files),
        ports={port: getattr(args.ports, port) for port in args.listens},
        port_keys={port: port_key(port) for port in args.listens},
        ready={"kind": "http", "url": f"http://{status}/status/ready", "timeoutSeconds": 30},
        stop_timeout_seconds=args.stop_timeout_seconds,
        digest=code_digest("gateway"),
        remove_directory=True,
        opts=opts,
    )
