# SPDX-License-Identifier: Apache-2.0
"""What a stack's state holds, in a form that can be compared and reviewed.

URNs and inputs, sorted; secrets masked; what changes with every edit of the chart left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "stacks"
SIGNATURE = "4dabf18193072939515e22adb298388d"
CHART_DIGEST = re.compile(r"\+[0-9a-f]{12}$")


def snapshot(resources: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return URN to inputs and options of each resource in a state."""
    return {urn: _entry(resources[urn]) for urn in sorted(resources)}


def _entry(resource: Mapping[str, Any]) -> dict[str, Any]:
    options = {name: resource[name] for name in ("protect", "retainOnDelete") if resource.get(name)}
    for name in ("parent", "deletedWith"):
        if resource.get(name):
            options[name] = resource[name].rsplit("::", 1)[-1]
    if resource.get("provider"):
        options["provider"] = resource["provider"].split("::")[-2]
    return {**options, "inputs": plain(resource.get("inputs") or {})}


def plain(value: Any) -> Any:
    """Return ``value`` with secrets masked and the chart's digest left out."""
    if isinstance(value, Mapping):
        if SIGNATURE in value:
            return "[secret]"
        return {key: plain(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return CHART_DIGEST.sub("+digest", value) if isinstance(value, str) else value


def recorded(stack: str) -> dict[str, Any]:
    """Return the committed snapshot."""
    file = VECTORS / f"{stack}.json"
    found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return found


def record(stack: str, found: Mapping[str, Any]) -> None:
    """Write a snapshot for review."""
    VECTORS.mkdir(parents=True, exist_ok=True)
    (VECTORS / f"{stack}.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
