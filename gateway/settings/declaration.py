# SPDX-License-Identifier: Apache-2.0
"""How a setting is declared: a dataclass field with its parser, and the text of its default."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from gateway.settings.parsers import Parse

KONG, OURS = "KONG_", "KAFKA_GATEWAY_"


def setting(parse: Parse, default: str, *, own: bool = False, secret: bool = False) -> Any:
    """Make a field from the text of its default; a secret stays out of ``repr``."""
    metadata = {"parse": parse, "own": own}
    return field(default_factory=lambda: parse(default), metadata=metadata, repr=not secret)
