# SPDX-License-Identifier: Apache-2.0
"""schemathesis' own command calls what ``/openapi.json`` describes, with a token, on each database.

In the gate it has some paths, drawn anew each time, and a few seconds; with ``OPENAPI_SECONDS`` it
has all of them for so long. ``OPENAPI_SEED`` repeats what a failure names.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.control_plane_process import until_ready
from tests.support.storage import Storage
from tests.support.under_fire import FragileControlPlane

SEED = int(os.environ.get("OPENAPI_SEED") or random.SystemRandom().randrange(10**6))
SECONDS = os.environ.get("OPENAPI_SECONDS", "")
PATHS = 5
TOKEN = "planted-admin-token"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "allow_header_conformance",
    "unsupported_method",
    "ignored_auth",
)
"""Not those that hold requests against the schema: it says less than the entities' rules do."""


@pytest.mark.timeout(180 + 2 * float(SECONDS or 10))
async def test_no_answer_is_an_error_of_ours_or_undocumented(
    tmp_path: Path, storage: Storage
) -> None:
    place = FragileControlPlane(tmp_path, storage, admin_token=TOKEN)
    place.start()
    try:
        await until_ready(place.status)
        command = ["-m", "schemathesis.cli", "run", f"{place.url}/openapi.json"]
        command += ["-H", f"Kong-Admin-Token: {TOKEN}", "--checks", ",".join(CHECKS)]
        command += ["--seed", str(SEED), "--max-time", SECONDS or "4", "--continue-on-failure"]
        command += ["--no-shrink", "--suppress-health-check", "all"]
        if not SECONDS:
            paths = random.Random(SEED).sample(sorted(await described(place.url)), PATHS)
            command += ["-n", "2", "--phases", "coverage,fuzzing"]
            command += [word for path in paths for word in ("--include-path", path)]
        code, text = await run(command, tmp_path)
    finally:
        place.kill()
    assert code == 0, f"OPENAPI_SEED={SEED}\n{text}"
    assert place.log.read_text() == ""


async def described(url: str) -> dict[str, Any]:
    headers = {"Kong-Admin-Token": TOKEN}
    async with (
        aiohttp.ClientSession(url, headers=headers) as session,
        session.get("/openapi.json") as reply,
    ):
        found: dict[str, Any] = (await reply.json())["paths"]
        return found


async def run(arguments: list[str], folder: Path) -> tuple[int, str]:
    """Run a Python command in a folder; return its exit code and what it says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()
