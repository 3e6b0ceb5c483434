# SPDX-License-Identifier: Apache-2.0
"""``kafka-gateway status``: the stack `local` at a glance."""

from __future__ import annotations

import http.client
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from gateway import __version__
from gateway.commands.lines import line
from gateway.commands.local_processes import ROOT, STATE, LocalProcess, local_processes
from gateway.errors import GatewayError

_TIMEOUT_SECONDS = 3.0
_TOKEN_FILE = "admin-token"  # noqa: S105 - a file's name
_LOOPBACK = "127.0.0.1"
_STATUS_PORTS = ("status", "control_plane_status")

Json = dict[str, Any]


def command(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show every process, port, version, topic, release and data plane of the local stack.

    Exit code 1 when one of them is not as it should be.
    """
    found = survey(STATE)
    typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() if json else render(found))
    if found["problems"]:
        raise typer.Exit(1)


def survey(state: Path) -> Json:
    """Return what there is: processes, topics, release, data_planes, and problems as sentences."""
    recorded = local_processes(state)
    found: Json = {"stack": "local", "processes": [], "problems": []}
    if not recorded:
        found["problems"].append("the stack local is not up; run `make up`")
    for one in recorded:
        shown = _process(one)
        found["processes"].append(shown)
        if not shown["running"]:
            found["problems"].append(f"{one.name} does not run; run `make up`")
        elif shown["ready"] is False:
            found["problems"].append(
                f"{one.name} is not ready; see `kafka-gateway logs {one.name}`"
            )
    by_name = {one.name: one for one in recorded if one.is_running}
    found["topics"] = _topics(found) if "kafka" in by_name else None
    found |= _control_plane(by_name.get("control-plane"), state, found)
    return found


def _process(one: LocalProcess) -> Json:
    running = one.is_running
    ready = None
    status = next((one.ports[label] for label in _STATUS_PORTS if label in one.ports), None)
    if running and status is not None:
        ready = _ask(status, "/status/ready")[0] == 200
    return {
        "name": one.name,
        "running": running,
        "pid": one.identity.pid if running else None,
        "ready": ready,
        "version": _kafka_version() if one.name == "kafka" else __version__,
        "ports": dict(one.ports),
        "log": str(one.log),
    }


def _kafka_version() -> str | None:
    jars = (ROOT / ".tools" / "kafka" / "libs").glob("kafka_*.jar")
    found = (re.fullmatch(r"kafka_[\d.]+-([\d.]+)\.jar", jar.name) for jar in jars)
    return next((match[1] for match in found if match), None)


def _topics(found: Json) -> list[Json] | None:
    # Late: docs/decisions/imports-inside-functions.md
    from gateway.commands.topic import connection
    from gateway.kafka.admin import list_topics

    try:
        where = connection("local", None, None, None, None, "PLAIN", False)
        return [{"name": it.name, "partitions": it.partitions} for it in list_topics(where)]
    except GatewayError as problem:
        found["problems"].append(str(problem))
        return None


def _control_plane(one: LocalProcess | None, state: Path, found: Json) -> Json:
    """Return the newest release and the data planes, from the Admin API."""
    nothing: Json = {"release": None, "data_planes": None}
    if one is None or "admin" not in one.ports:
        return nothing
    try:
        token = (state / one.name / _TOKEN_FILE).read_text()
    except OSError:
        token = ""
    releases = _ask(one.ports["admin"], "/releases?size=1", token)[1].get("data")
    planes = _ask(one.ports["admin"], "/clustering/data-planes", token)[1].get("data")
    if releases is None or planes is None:
        found["problems"].append("the control plane's Admin API does not answer")
        return nothing
    release = releases[0] if releases else None
    if release is None:
        found["problems"].append("the control plane has no release; run `make up`")
    shown = [_data_plane(plane, release) for plane in planes]
    if not any(plane["connected"] and plane["current"] for plane in shown):
        found["problems"].append("no connected data plane serves the newest release")
    return {"release": release, "data_planes": shown}


def _data_plane(plane: Mapping[str, Any], release: Mapping[str, Any] | None) -> Json:
    return {
        "id": plane["id"],
        "hostname": plane["hostname"],
        "connected": plane["connected"],
        "hash": plane["config_hash"],
        "current": release is not None and plane["config_hash"] == release["hash"],
        "error": plane["error"],
    }


def _ask(port: int, path: str, token: str = "") -> tuple[int, Json]:
    """Return status and JSON of a response on loopback; 0 and nothing when there is none."""
    connection = http.client.HTTPConnection(_LOOPBACK, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path, headers={"Kong-Admin-Token": token} if token else {})
        response = connection.getresponse()
        content = orjson.loads(response.read() or b"{}")
    except (OSError, http.client.HTTPException, orjson.JSONDecodeError):
        return 0, {}
    finally:
        connection.close()
    return response.status, content if isinstance(content, dict) else {}


def render(found: Json) -> str:
    """Return the survey as text for people."""
    rows = [("process", "pid", "state", "version", "ports")]
    for one in found["processes"]:
        state = (
            "stopped" if not one["running"] else "not ready" if one["ready"] is False else "runs"
        )
        ports = ", ".join(f"{label} {port}" for label, port in sorted(one["ports"].items()))
        rows.append((one["name"], str(one["pid"] or "-"), state, one["version"] or "-", ports))
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    if found["topics"] is not None:
        listed = (f"{it['name']} ({it['partitions']})" for it in found["topics"])
        lines += ["", f"topics       {', '.join(listed) or 'none'}"]
    if found["release"] is not None:
        release = found["release"]
        message = f", {release['message']}" if release.get("message") else ""
        lines.append(f"release      {release['number']}, hash {release['hash']}{message}")
    for plane in found["data_planes"] or ():
        state = "connected" if plane["connected"] else "not connected"
        state += ", serves the newest release" if plane["current"] else f", has {plane['hash']}"
        error = f", {plane['error']}" if plane["error"] else ""
        lines.append(f"data plane   {plane['hostname']} ({plane['id']}): {state}{error}")
    lines += [f"problem      {problem}" for problem in found["problems"]]
    # Data planes tell their names and errors themselves: nothing in them may steer the terminal.
    return "\n".join(map(line, lines))
