# SPDX-License-Identifier: Apache-2.0
"""The processes of the stack `local`, as they are recorded below .state/local; no command."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.process_identity import ProcessIdentity, identify

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".state" / "local"
RECORD = "process.json"


@dataclass(frozen=True)
class LocalProcess:
    """A process that the stack started: its identity, its ports by label, its log."""

    name: str
    identity: ProcessIdentity
    ports: Mapping[str, int]
    log: Path

    @property
    def is_running(self) -> bool:
        """Whether exactly this process lives."""
        return identify(self.identity.pid) == self.identity


def local_processes(state: Path) -> list[LocalProcess]:
    """Return the processes recorded in the folders of ``state``, by name."""
    found = []
    for record in sorted(state.glob(f"*/{RECORD}")):
        folder = record.parent
        try:
            content = json.loads(record.read_text())
            identity = ProcessIdentity(**content["identity"])
            ports = dict(content.get("ports") or {})
        except (OSError, ValueError, KeyError, TypeError):
            continue
        found.append(LocalProcess(folder.name, identity, ports, folder / f"{folder.name}.log"))
    return found
