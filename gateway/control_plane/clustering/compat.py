# SPDX-License-Identifier: Apache-2.0
"""Which data planes can take what (Kong 3.10 ``kong/clustering/compat``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

SyncStatus = Literal[
    "unknown",
    "normal",
    "kong_version_incompatible",
    "plugin_set_incompatible",
    "plugin_version_incompatible",
]
"""What ``/clustering/data-planes`` shows; ``unknown`` before the first check."""

_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})(?:\.(\d+))?(?:\.(\d+))?")


@dataclass(frozen=True)
class Incompatibility:
    """Why a data plane gets no configuration."""

    status: SyncStatus
    reason: str
    """A full sentence without its end."""


def version_number(version: str) -> int:
    """Return a version as one number, three digits for each of its four parts.

    ``3.10.0.0`` is 3010000000. Text after the numbers does not count. Raises ``ValueError``.
    """
    found = _VERSION.match(version)
    if found is None:
        raise ValueError(f'"{version}" is not a version')
    number = 0
    for part in found.groups():
        number = number * 1000 + int(part or 0)
    return number


def check_version(ours: str, theirs: str) -> Incompatibility | None:
    """Compare gateway versions: the same major, and a minor that is not newer than ours."""
    problem = _compare(ours, theirs)
    if problem is None:
        return None
    text = f"data plane version {theirs} is {problem} control plane version {ours}"
    return Incompatibility("kong_version_incompatible", text)


def check_plugins(
    used: Mapping[str, str], theirs: Mapping[str, str | None]
) -> Incompatibility | None:
    """Compare the plugins of a configuration (name to our version) with those of a data plane.

    Only plugins that occur in the configuration count; one without a version fits any.
    """
    missing = sorted(used.keys() - theirs.keys())
    if missing:
        text = f"the data plane lacks plugin {', '.join(missing)}, which the configuration uses"
        return Incompatibility("plugin_set_incompatible", text)
    for name, ours in sorted(used.items()):
        their = theirs[name]
        problem = _compare(ours, their) if their is not None else None
        if problem is not None:
            text = f"the data plane's plugin {name} {their} is {problem} version {ours}"
            return Incompatibility("plugin_version_incompatible", text)
    return None


def _compare(ours: str, theirs: str) -> str | None:
    """Return None when these fit: patch, fourth number and suffix do not count."""
    mine, other = _VERSION.match(ours), _VERSION.match(theirs)
    if mine is None or other is None:
        return "not comparable with"
    if int(mine[1]) != int(other[1]):
        return "of another major version than"
    return "newer than" if int(other[2]) > int(mine[2]) else None
