# SPDX-License-Identifier: Apache-2.0
"""The guide docs/guides/config.md, run as it stands: every command, and what it prints."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.support.control_plane import running
from tests.support.guides import fits, steps

ROOT = Path(__file__).parents[3]
GUIDE = ROOT / "docs" / "guides" / "config.md"


async def test_every_command_prints_what_stands_there(tmp_path: Path) -> None:
    page = list(steps(GUIDE.read_text()))
    assert len(page) > 10
    exported = ""
    async with running(tmp_path) as place:
        url = f"http://127.0.0.1:{place.port('admin')}"
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "KAFKA_GATEWAY_ADMIN_URL": url, "PATH": path}
        for step in page:
            if step.command.startswith("export "):
                exported += f"{step.command}\n"
                continue
            process = await asyncio.create_subprocess_exec(
                "bash", "-c", exported + step.command, cwd=ROOT, env=environment,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
                stdin=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            printed, _ = await process.communicate()
            assert fits(printed.decode().strip(), step.printed), f"{step}\n{printed.decode()}"
