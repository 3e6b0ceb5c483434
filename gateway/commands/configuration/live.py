# SPDX-License-Identifier: Apache-2.0
"""What a control plane has: its newest release, and others by their numbers."""

from __future__ import annotations

from typing import Any

from gateway.commands.admin_client import ask, rows
from gateway.control_plane.ownership import canonical
from gateway.entities.checks import Table
from gateway.http.json_api import JsonApi
from gateway.settings.compatibility import VERSIONS, version_in_force

PATIENCE = 60.0
"""Seconds to wait for a response that is large, or that others' writes are in front of."""


def newest(api: JsonApi) -> int:
    """Return the number of the newest release, 0 where there is none."""
    first = next(rows(api, "/releases?size=1", ("number",), PATIENCE), None)
    return 0 if first is None else int(first["number"])


def configuration(api: JsonApi, number: int) -> Table:
    """Return the whole configuration of a release; it is empty before the first."""
    if not number:
        return {}
    shown = ask(api, "GET", f"/releases/{number}", timeout=PATIENCE, has=("configuration",))
    table: Table = shown["configuration"]
    return canonical(table)


def compatibility(api: JsonApi) -> str:
    """Return the version whose defaults a control plane fills in: its ``compatibility_version``."""
    shown = ask(api, "GET", "/", timeout=PATIENCE, has=("version",))
    version = (shown.get("configuration") or {}).get("compatibility_version")
    return version if version in VERSIONS else version_in_force()


def publish(api: JsonApi, path: str, body: dict[str, Any], wait: float) -> dict[str, Any]:
    """Make a publishing call, which waits for data planes; returns the release.

    Raises ``CommandFailed`` when a data plane refuses it: then it has been taken back.
    """
    made: dict[str, Any] = ask(
        api, "POST", path, {**body, "wait": wait}, wait + PATIENCE, has=("number", "unchanged")
    )
    return made
