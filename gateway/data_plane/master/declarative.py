# SPDX-License-Identifier: Apache-2.0
"""A node without a control plane: its release is a decK file (setting ``declarative_config``)."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.data_plane.master.node_release import NodeRelease, make_release
from gateway.documents.deck import read_table
from gateway.documents.known_rows import KnownRows
from gateway.hybrid.config_hash import config_hash
from gateway.hybrid.config_table import config_table

OWNER = "declarative"


def read_declarative(path: Path, known: KnownRows | None = None) -> NodeRelease:
    """Read and check the file; entities that are in ``known`` are not checked again.

    Raises ``DocumentError`` with all problems, naming the file.
    """
    # The file's own time: the same file is the same release after every restart.
    table = read_table(path, OWNER, _changed(path), os.environ, known)
    sent = config_table(table)
    return make_release(sent, config_hash(sent)[0])


def _changed(path: Path) -> int:
    """Return when a file was changed, in seconds since 1970; 0 if that cannot be told.

    Reading it then says why. Asked before: what is written meanwhile is later than this.
    """
    try:
        return int(path.stat().st_mtime)
    except OSError:
        return 0
