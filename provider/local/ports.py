# SPDX-License-Identifier: Apache-2.0
"""Whose a port is: another program's, or one that processes of the same stack hand on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.names.property_paths import render_path
from provider.fields import Problem
from provider.local import process
from provider.local.proc import command_of, listeners, session_of
from provider.local.process import ProcessRecord
from provider.resource import ResourceCall
from provider.values import UNKNOWN, Properties

_PORT = "port"


def port_problems(call: ResourceCall, inputs: Properties, olds: Properties) -> list[Problem]:
    """Return what is wrong with ``ports``: held by another program, or wanted twice in the stack.

    A port that a process of the same stack holds is no problem: it is handed on (``free_ports``).
    """
    _forget_wanted(call)
    problems: list[Problem] = []
    ours: list[ProcessRecord] | None = None
    for label, port in _known(inputs["ports"]).items():
        rival = _rival(call, port)
        if rival:
            text = f"port {port} is that of {rival} as well{_remedy(inputs, label)}"
            problems.append((render_path(("ports", label)), text))
            continue
        holders = listeners(port)
        if holders and ours is None:
            ours = [*_own(inputs, olds), *_siblings(call, inputs)]
        others = [pid for pid in holders if not _is_of(pid, ours or [])]
        if others:
            # One that was restarted between the two looks has another process in its record.
            ours = [*_own(inputs, olds), *_siblings(call, inputs)]
            others = [pid for pid in listeners(port) if not _is_of(pid, ours)]
        if others:
            text = f"port {port} is taken by {_holder(others[0])}"
            text += _remedy(inputs, label, "stop it, or ")
            problems.append((render_path(("ports", label)), text))
    return problems


def free_ports(call: ResourceCall, inputs: Properties) -> None:
    """Stop the stack's own processes that hold a port of ``inputs``.

    Such a port was theirs and is now this one's; their own update starts them on their new ones.
    """
    siblings: list[ProcessRecord] | None = None
    for port in _known(inputs["ports"]).values():
        for pid in listeners(port):
            siblings = _siblings(call, inputs) if siblings is None else siblings
            for record in siblings:
                if _is_of(pid, [record]):
                    process.stop(record, float(inputs["stopTimeoutSeconds"]))


def _known(ports: Any) -> Mapping[str, int]:
    if not isinstance(ports, dict):
        return {}
    return {label: port for label, port in ports.items() if port != UNKNOWN}


def _rival(call: ResourceCall, port: int) -> str:
    """Note that the resource wants the port; return another one that does, or nothing."""
    first = call.noted.setdefault((_PORT, port), call.urn)
    return "" if first == call.urn else first.rpartition("::")[2]


def _forget_wanted(call: ResourceCall) -> None:
    for key, urn in list(call.noted.items()):
        if key[0] == _PORT and urn == call.urn:
            call.noted.pop(key, None)


def _own(inputs: Properties, olds: Properties) -> list[ProcessRecord]:
    folders = {inputs["directory"], olds.get("directory", UNKNOWN)} - {UNKNOWN}
    records = [process.load_record(folder) for folder in folders]
    return [record for record in records if record is not None]


def _siblings(call: ResourceCall, inputs: Properties) -> list[ProcessRecord]:
    """Return the records of other processes of the stack: their directories are side by side."""
    if inputs["directory"] == UNKNOWN:
        return []
    own = Path(inputs["directory"])
    folders = [file.parent for file in own.parent.glob(f"*/{process.RECORD}")]
    records = [process.load_record(folder) for folder in folders if folder != own]
    return [record for record in records if record is not None and record.stack == call.stack]


def _is_of(pid: int | None, records: list[ProcessRecord]) -> bool:
    return pid is not None and any(
        session_of(pid) == record.identity.pid and pid in record.members() for record in records
    )


def _holder(pid: int | None) -> str:
    if pid is None:
        return "a process of another user"
    command = command_of(pid)
    return f"process {pid} ({command})" if command else f"process {pid}"


def _remedy(inputs: Properties, label: str, instead: str = "") -> str:
    keys = inputs["portKeys"]
    key = keys.get(label) if isinstance(keys, dict) else None
    return f"; {instead}set another port with `pulumi config set {key}`" if key else ""
