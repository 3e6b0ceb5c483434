# SPDX-License-Identifier: Apache-2.0
"""A checkout of its own for a test: the project's files, its own state, its own ports."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.config.local import Ports, port_key
from tests.support.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("components", "examples", "gateway", "provider", "stacks", "tools", "policies")
FILES = ("Pulumi.yaml", "__main__.py", "Makefile", "requirements.txt", "pyproject.toml")
SHARED = (".venv", ".tools")


@dataclass(frozen=True)
class Outcome:
    """What a command said."""

    code: int
    text: str


class Checkout:
    """The project in a folder of its own, on free ports; ``down`` leaves nothing running."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # What was compiled comes along, with the time of its source: nothing is compiled again.
        ignore = shutil.ignore_patterns("Pulumi.local.yaml")
        for part in PARTS:
            if (ROOT / part).exists():
                shutil.copytree(ROOT / part, folder / part, ignore=ignore, symlinks=True)
        for file in FILES:
            shutil.copy(ROOT / file, folder / file)
        for shared in SHARED:
            (folder / shared).symlink_to(ROOT / shared)
        names = list(Ports.__dataclass_fields__)
        self.ports = Ports(**dict(zip(names, free_ports(len(names)), strict=True)))
        self.settings: dict[str, Any] = {
            port_key(name): getattr(self.ports, name) for name in names
        }
        self.write_settings()

    @property
    def routes(self) -> Path:
        """The local stack's routes file."""
        return self.folder / "stacks" / "gateway" / "local.yaml"

    @property
    def proxy(self) -> str:
        """Where the proxy answers."""
        return f"http://127.0.0.1:{self.ports.proxy}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a command that runs in the checkout."""
        keep = ("PATH", "HOME", "LANG", "JAVA_HOME", "TMPDIR")
        found = {name: os.environ[name] for name in keep if name in os.environ}
        found["PULUMI_ERROR_OUTPUT_STRING"] = "true"
        # The command line is the checkout's own, not that of the environment it is installed in.
        found["PYTHONPATH"] = str(self.folder)
        return found

    def write_settings(self, **changes: Any) -> None:
        """Write stacks/Pulumi.local.yaml, keeping the salt that the CLI put there."""
        self.settings |= changes
        file = self.folder / "stacks" / "Pulumi.local.yaml"
        salt = [
            line
            for line in (file.read_text().splitlines() if file.exists() else [])
            if line.startswith("encryptionsalt:")
        ]
        config = [f"  kafka-gateway:{k}: {json.dumps(v)}" for k, v in self.settings.items()]
        file.write_text("\n".join([*salt, "config:", *config, ""]))

    def pulumi(self, *arguments: str, timeout: float = 500) -> Outcome:
        """Run the project's ``pulumi`` for the stack ``local``."""
        script = self.folder / "tools" / "bin" / "pulumi"
        return self.run(str(script), *arguments, "--stack", "local", timeout=timeout)

    def preview(self, *arguments: str) -> Outcome:
        """Run what ``make preview`` runs."""
        return self.pulumi("preview", "--diff", "--color", "never", *arguments)

    def up(self, *arguments: str) -> Outcome:
        """Run what ``make up`` runs, without the preview that it begins with."""
        return self.pulumi("up", "--yes", "--skip-preview", "--color", "never", *arguments)

    def down(self) -> Outcome:
        """Run ``make down``."""
        return self.run("make", "--no-print-directory", "down")

    def run(self, *command: str, timeout: float = 500) -> Outcome:
        """Run a command in the checkout; output and errors in one text."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
        return Outcome(done.returncode, done.stdout.decode(errors="replace"))

    def state(self) -> Path:
        """Return the file with the stack's state."""
        where = (".state", "pulumi", ".pulumi", "stacks", "kafka-gateway", "local.json")
        return self.folder.joinpath(*where)
