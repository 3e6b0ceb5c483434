# SPDX-License-Identifier: Apache-2.0
"""The id by which the ends of the hybrid protocol know a node."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

from gateway.atomic_file import write_atomically


def node_id(prefix: Path) -> str:
    """Return the id kept in ``<prefix>/kong.id``; the first start makes it up.

    The same place and form as Kong's, so that a control plane sees the same node after a restart.
    """
    file = prefix / "kong.id"
    try:
        return str(UUID(file.read_text().strip()))
    except (OSError, ValueError):
        made = str(uuid4())
        write_atomically(file, made.encode() + b"\n")
        return made
