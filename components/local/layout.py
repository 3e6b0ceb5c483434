# SPDX-License-Identifier: Apache-2.0
"""Where the local stack keeps its files, and what its processes are started with."""

from __future__ import annotations

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".state" / "local"
KAFKA_LIBS = ROOT / ".tools" / "kafka" / "libs"
GATEWAY = str(ROOT / ".venv" / "bin" / "kafka-gateway")
LOOPBACK = "127.0.0.1"


def code_digest(*folders: str) -> str:
    """Return a digest of the code below these folders of the project.

    A process is started again when the code it runs has changed; file times do not count.
    """
    found = hashlib.sha256()
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*.py")):
            found.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:16]
