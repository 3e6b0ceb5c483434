# SPDX-License-Identifier: Apache-2.0
"""Where to look for what is imported: an import names a thing and nothing else.

The engine gives no inputs to an import, so address and credentials come from its environment; the
inputs that an import returns are compared with those of the program.
"""

from __future__ import annotations

import os
from pathlib import Path

from gateway.errors import ResourceError
from provider.fields import check_fields
from provider.resource_types import ConfigurationType, KafkaTopicType
from provider.values import Properties

KAFKA = {
    "bootstrapServers": "KAFKA_BOOTSTRAP_SERVERS",
    "user": "KAFKA_USER",
    "password": "KAFKA_PASSWORD",
    "mechanism": "KAFKA_MECHANISM",
    "caPem": "KAFKA_CA",
}
"""Entry of an endpoint to the variable that holds it; those of `kafka-gateway topic`."""
ADMIN = {
    "url": "KAFKA_GATEWAY_ADMIN_URL",
    "token": "KAFKA_GATEWAY_ADMIN_TOKEN",
    "ca": "KAFKA_GATEWAY_ADMIN_CA",
}
_FILES = ("caPem", "ca")


def kafka_of_environment() -> Properties:
    """Return an ``endpoint``; ResourceError names the variable that is missing."""
    given = {"endpoint": _read(KAFKA, "bootstrapServers"), "name": "any"}
    endpoint: Properties = check_fields(KafkaTopicType.inputs, given)[0]["endpoint"]
    return endpoint


def admin_of_environment() -> Properties:
    """Return an ``admin``; ResourceError names the variable that is missing."""
    given = {"admin": _read(ADMIN, "url"), "owner": "any", "document": {}}
    admin: Properties = check_fields(ConfigurationType.inputs, given)[0]["admin"]
    return admin


def _read(variables: dict[str, str], needed: str) -> Properties:
    values = {name: os.environ.get(variable, "") for name, variable in variables.items()}
    if not values[needed]:
        listed = ", ".join(variables.values())
        raise ResourceError(
            f"an import is told where to look by the environment: {variables[needed]} is not set "
            f"(there are {listed})"
        )
    for name in _FILES:
        if values.get(name):
            values[name] = _content(variables[name], values[name])
    return {name: value for name, value in values.items() if value}


def _content(variable: str, path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError as problem:
        raise ResourceError(f"{variable}: {path} cannot be read: {problem.strerror}") from None
