# SPDX-License-Identifier: Apache-2.0
"""The stack on this machine: Kafka, control plane, routes, data plane, in that order."""

from __future__ import annotations

from typing import Any

import pulumi

from components.config.local import LocalConfig, read_local
from components.config.reader import ConfigReader
from components.endpoints import HybridIdentity
from components.local.certificates import LocalCertificates
from components.local.control_plane import LocalControlPlane, LocalControlPlaneArgs
from components.local.data_plane import LocalDataPlane, LocalDataPlaneArgs, LocalSecrets
from components.local.kafka import LocalKafka, LocalKafkaArgs
from components.routes import GatewayRoutes, GatewayRoutesArgs, check_routes

_DATA_PLANE = "data-plane"


def stand_up(reader: ConfigReader) -> dict[str, Any]:
    """Register the whole stack; return what the program exports."""
    config = read_local(reader)
    check_routes(config)
    level, version = config.log_level, config.compatibility_version
    certificates = LocalCertificates("certificates")
    kafka = LocalKafka("kafka", _kafka_args(config, certificates.broker))
    control_plane = LocalControlPlane(
        "control-plane",
        LocalControlPlaneArgs(
            config.ports, certificates.control_plane, level, version, kafka.endpoint
        ),
    )
    first: list[pulumi.Resource] = [kafka]
    if config.secrets:
        first.append(LocalSecrets("secrets", _DATA_PLANE, kafka.endpoint, config.secrets))
    routes = GatewayRoutes(
        "routes",
        GatewayRoutesArgs(config, control_plane.endpoint, kafka.endpoint),
        pulumi.ResourceOptions(depends_on=first, deleted_with=control_plane.process),
    )
    data_plane = LocalDataPlane(
        _DATA_PLANE,
        LocalDataPlaneArgs(
            ports=config.ports,
            workers=config.workers,
            identity=certificates.data_plane,
            control_plane=control_plane.endpoint,
            kafka=kafka.endpoint,
            log_level=level,
            compatibility_version=version,
            secrets=config.secrets,
        ),
        # Ready means: it serves a configuration. The other order would wait for ever.
        pulumi.ResourceOptions(depends_on=[routes]),
    )
    return {
        "proxyUrl": data_plane.proxy_url,
        "adminUrl": control_plane.endpoint.admin_url,
        "pageUrl": control_plane.page_url,
        "adminToken": control_plane.endpoint.admin_token,
        "kafka": {
            "bootstrapServers": f"127.0.0.1:{config.ports.kafka}",
            "caPem": certificates.ca_pem,
            "readerKey": kafka.endpoint.reader_key,
            "readerSecret": kafka.endpoint.reader_secret,
        },
    }


def _kafka_args(config: LocalConfig, identity: HybridIdentity) -> LocalKafkaArgs:
    return LocalKafkaArgs(
        ports=config.ports,
        identity=identity,
        topics=config.topics,
        api_key_slot=config.api_key_slot,
        api_key_generations=config.api_key_generations,
        broker_config=config.broker_config,
    )
