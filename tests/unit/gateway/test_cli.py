# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
import sys

HEAVY = ("pydantic", "typer", "rich", "cryptography", "wsproto", "confluent_kafka", "yaml")


def test_a_master_starts_without_what_only_workers_and_commands_need() -> None:
    code = (
        "import sys, gateway.cli, gateway.commands.run, gateway.data_plane.launch; "
        "import gateway.data_plane.master.master; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert eval(shown.stdout) == []
