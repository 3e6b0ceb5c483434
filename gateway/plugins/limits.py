# SPDX-License-Identifier: Apache-2.0
"""What one request may become at most, as the node's settings say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RecordLimits:
    """Limits for the plugins that write records; a plugin's own fields win over the first two."""

    records: int = 5000
    """Records of one request; above 413."""
    size: int = 1024**2
    """Bytes of one record, with what Kafka adds to it; above 413."""
    depth: int = 1000
    """Arrays and objects inside each other in a body's JSON; above 400."""
