# SPDX-License-Identifier: Apache-2.0
"""A client in TypeScript, made of an OpenAPI document by openapi-typescript, checked by tsc.

The programs are npm's, installed on demand below ``.tools``.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.support.npm import npm_packages

PACKAGES = ("openapi-typescript@7.10.1", "openapi-fetch@0.15.0", "typescript@5.9.3")
CONFIG = {
    "compilerOptions": {
        "strict": True,
        "noEmit": True,
        "module": "nodenext",
        "moduleResolution": "nodenext",
        "target": "es2022",
        "lib": ["es2022", "dom"],
        "skipLibCheck": True,
    },
    "include": ["*.ts"],
}
PROGRAM = """import createClient from "openapi-fetch";
import type { paths } from "./api.js";
const client = createClient<paths>({ baseUrl: "http://127.0.0.1:8001" });
export async function main() {
%s
}
"""
_FIRST = PROGRAM.split("%s")[0].count("\n") + 1


def compiled(document: Mapping[str, Any], **programs: list[str]) -> dict[str, set[int]]:
    """Return which lines of programs that use the client have errors, from 0 on, by program."""
    tools = npm_packages("openapi-client", "with a generated client", *PACKAGES)
    folder = tools / f"run-{uuid4().hex}"
    folder.mkdir()
    try:
        (folder / "openapi.json").write_text(json.dumps(document))
        (folder / "tsconfig.json").write_text(json.dumps(CONFIG))
        (folder / "package.json").write_text('{"private": true, "type": "module"}')
        for name, lines in programs.items():
            (folder / f"{name}.ts").write_text(PROGRAM % "\n".join(lines))
        # What has a default need not be sent.
        words = ("openapi.json", "-o", "api.ts", "--default-non-nullable=false")
        done = _run(folder, "openapi-typescript", *words)
        assert done.returncode == 0, done.stderr
        said = _run(folder, "tsc", "-p", ".").stdout
        found: dict[str, set[int]] = {name: set() for name in programs}
        for name, line in re.findall(r"^(\w+)\.ts\((\d+),\d+\): error", said, re.M):
            found[name].add(int(line) - _FIRST)
        return found
    finally:
        shutil.rmtree(folder)


def _run(folder: Path, program: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(folder.parent / "node_modules" / ".bin" / program), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
