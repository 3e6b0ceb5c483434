# SPDX-License-Identifier: Apache-2.0
"""A node without a control plane: its release is a decK file (setting ``declarative_config``)."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.data_plane.master.node_release import NodeRelease, make_release
from gateway.documents.deck import load_deck
from gateway.documents.document import to_table
from gateway.entities.checks import check_table
from gateway.hybrid.config_hash import config_hash
from gateway.hybrid.config_table import config_table

OWNER = "declarative"


def read_declarative(path: Path) -> NodeRelease:
    """Read and check the file. Raises ``DocumentError`` with all problems, naming the file."""
    document = load_deck(path, {}, os.environ)
    # The file's own time: the same file is the same release after every restart.
    table = to_table(document, OWNER, int(path.stat().st_mtime))
    check_table(table)
    sent = config_table(table)
    return make_release(sent, config_hash(sent)[0])
