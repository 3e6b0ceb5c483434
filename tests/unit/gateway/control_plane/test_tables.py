# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from pathlib import Path

from gateway.control_plane import tables


def test_every_table_that_is_declared_is_among_them() -> None:
    folder = Path(tables.__file__).parent
    declared = {
        name
        for file in folder.rglob("*.py")
        for name in re.findall(r'sa\.Table\(\s*"(\w+)",\s*METADATA', file.read_text())
    }
    assert declared == tables.METADATA.tables.keys()
