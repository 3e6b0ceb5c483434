# SPDX-License-Identifier: Apache-2.0
"""Environment variables of the data plane that a stack's file gives it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from components.config.reader import ConfigReader
from components.config.secrets import OWN

# Kubernetes takes more, but no shell and no vault reference would.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STACKS = (
    "KAFKA_GATEWAY_COMPATIBILITY_VERSION",
    "KONG_ADMIN_LISTEN",
    "KONG_CLUSTER_CA_CERT",
    "KONG_CLUSTER_CERT",
    "KONG_CLUSTER_CONTROL_PLANE",
    "KONG_CLUSTER_LISTEN",
    "KONG_CLUSTER_MTLS",
    "KONG_CLUSTER_SERVER_NAME",
    "KONG_CLUSTER_TELEMETRY_",
    "KONG_DATABASE",
    "KONG_LOG_LEVEL",
    "KONG_LUA_SSL_TRUSTED_CERTIFICATE",
    "KONG_NGINX_WORKER_PROCESSES",
    "KONG_PREFIX",
    "KONG_PROXY_LISTEN",
    "KONG_ROLE",
    "KONG_STATUS_LISTEN",
    *OWN,
)
"""How names begin that the stack or its chart sets: a pod with one twice is refused, or begins as
something else."""
_KONNECTS = ("KONG_ANONYMOUS_REPORTS", "KONG_KONNECT_MODE", "KONG_VITALS")
"""What it sets besides where Konnect is the control plane."""


def read_environment(reader: ConfigReader, *, konnect: bool) -> Mapping[str, str]:
    """Take the variables by name; problems are the reader's to raise."""
    found = reader.texts("environment")
    secrets = reader.structure("secrets")
    own = _STACKS + _KONNECTS if konnect else _STACKS
    for name, value in found.items():
        if problem := _problem(name, value, secrets, own):
            reader.problem(f"environment.{name}", problem)
    return found


def _problem(name: str, value: str, secrets: Collection[str], own: tuple[str, ...]) -> str:
    if not _NAME.fullmatch(name):
        return "no name of a variable: letters, digits and _, such as TZ"
    if name.startswith(own):
        return "the stack sets it itself; see whether another key of the configuration says it"
    if name in secrets:
        return "stands among the secrets too; take it out of one of them"
    return "holds a null character" if "\0" in value else ""
