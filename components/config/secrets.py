# SPDX-License-Identifier: Apache-2.0
"""Secrets of a stack's own that its routes name: ``{vault://env/NAME}``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from components.config.reader import ConfigReader
from components.config.secret import Secret

_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
OWN = ("KAFKA_API_KEY", "KAFKA_API_SECRET", "SCHEMA_REGISTRY_")
"""How names begin of what the data plane has of its stack: the way to Kafka and to its schemas."""
_SETTINGS = ("KONG_", "KAFKA_GATEWAY_")


def read_secrets(reader: ConfigReader) -> Mapping[str, Secret]:
    """Take the secrets by name; problems are the reader's to raise and show no value."""
    found = {}
    for name, value in sorted(reader.structure("secrets").items()):
        problem = _problem(name, value)
        if problem:
            reader.problem(f"secrets.{name}", problem, harmless=True)
        else:
            found[name] = Secret(value)
    return found


def _problem(name: str, value: object) -> str:
    if not _NAME.fullmatch(name):
        return "no name of a variable: capital letters, digits and _, such as SHOP_KEY"
    if name.startswith(OWN):
        return "the stack sets it itself; take another name"
    if name.startswith(_SETTINGS):
        return "the name of a setting of the gateway; take another one"
    if not isinstance(value, str) or not value:
        return "not a text"
    if not value.isprintable():
        return "holds a line end or another control character; keep it in a vault"
    return ""
