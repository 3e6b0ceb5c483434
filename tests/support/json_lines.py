# SPDX-License-Identifier: Apache-2.0
"""Reading a log of JSON lines that others write to meanwhile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def lines_of(log: Path) -> list[dict[str, Any]]:
    """Return the lines that are JSON objects; what is being written is no line yet."""
    whole = log.read_text().rpartition("\n")[0] if log.exists() else ""
    return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]
