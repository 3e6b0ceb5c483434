# SPDX-License-Identifier: Apache-2.0
"""The real engine on stub providers: a project folder, a state, a world, all below one folder.

The project is the checkout's own by symlinks; only its stack file is generated: the committed one
without its key management, with planted values where a secret or a published image is needed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from tools.stubs.install import ROOT, install, script
from tools.stubs.world import World

LINKED = ("__main__.py", "components", "gateway", "provider", "policies", "tools", ".venv")
STUBBED_GATEWAY = "stubs/gateway"
PLANTED = "planted-secret-7d41e0"
"""In every planted secret: it must appear in no output and in no state."""
NEEDED = {"kafka-gateway:imageDigest": "sha256:" + "5b" * 32}
PEER = {
    "kafka-gateway:peerVpcId": "vpc-0123456789abcdef0",
    "kafka-gateway:peerCidr": "192.168.0.0/24",
    "kafka-gateway:peerRouteTableIds": ["rtb-0123456789abcdef0"],
}
"""What a stack with a private endpoint needs beside."""


@dataclass(frozen=True)
class PulumiOutcome:
    """What a command said and how it ended."""

    code: int
    output: str
    errors: str

    @property
    def text(self) -> str:
        """All of it."""
        return self.output + self.errors


class RunningPlugins(Protocol):
    """Plugins that run already: how a command finds them, and what they are to refuse."""

    @property
    def environment(self) -> Mapping[str, str]:
        """For the command's environment."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """For the command line."""

    def fail(self, faults: str) -> None:
        """Have these operations fail, and no others."""


class StubSession:
    """One stack on stubs.

    Our own provider is the real one, unless ``gateway`` says to stub it too: an update needs no
    control plane then.
    """

    def __init__(self, folder: Path, stack: str, *, gateway: bool = False) -> None:
        self.folder, self.stack = folder, stack
        self.project = folder / "project"
        self.world = World(folder / "world")
        self.plugins: RunningPlugins | None = None
        self._home = folder / "home"
        self._state = folder / "state"
        for needed in (self.project / "stacks", self._home, self._state):
            needed.mkdir(parents=True, exist_ok=True)
        install(self._home)
        for name in LINKED:
            link = self.project / name
            if not link.is_symlink() and (ROOT / name).exists():
                link.symlink_to(ROOT / name)
        self._write_project(gateway)
        self.settings, planted = committed_settings(stack)
        committed = _committed(stack)
        self.made_up = sorted(
            key.rpartition(":")[2] for key in {*self.settings, *planted} - committed.keys()
        )
        """Keys that the committed file leaves open, for which something was put in."""
        self.write_settings()
        if not list(self._state.glob(f"**/{stack}.json")):
            self._must("stack", "init", stack)
        for key, value in planted.items():
            self._must("config", "set", "--secret", "--stack", stack, key, value)
        self.settings = yaml.safe_load(self.settings_file.read_text())["config"]

    def _must(self, *arguments: str) -> None:
        done = self.pulumi(*arguments)
        if done.code:
            raise RuntimeError(done.text)

    def _write_project(self, gateway: bool) -> None:
        project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
        if gateway:
            script(self.project / STUBBED_GATEWAY, "gateway", "0.1.0")
            project["plugins"]["providers"] = [{"name": "gateway", "path": STUBBED_GATEWAY}]
        (self.project / "Pulumi.yaml").write_text(yaml.safe_dump(project, sort_keys=False))

    @property
    def settings_file(self) -> Path:
        """The generated stack file."""
        return self.project / "stacks" / f"Pulumi.{self.stack}.yaml"

    def write_settings(self, **changes: Any) -> None:
        """Write the stack file with ``changes`` of the project's keys; None takes one out."""
        for key, value in changes.items():
            name = f"kafka-gateway:{key}"
            self.settings.pop(name, None)
            if value is not None:
                self.settings[name] = value
        salt: dict[str, Any] = {}
        if self.settings_file.exists():
            before = yaml.safe_load(self.settings_file.read_text()) or {}
            salt = {key: before[key] for key in ("encryptionsalt",) if key in before}
        self.settings_file.write_text(yaml.safe_dump({**salt, "config": self.settings}))

    def pulumi(
        self, *arguments: str, environment: Mapping[str, str] | None = None, timeout: float = 500
    ) -> PulumiOutcome:
        """Run a command of the real CLI."""
        everything = {**self.environment(), **(environment or {})}
        command = [shutil.which("pulumi", path=everything["PATH"]) or "pulumi", *arguments]
        done = subprocess.run(
            command,
            cwd=self.project,
            env=everything,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return PulumiOutcome(done.returncode, done.stdout, done.stderr)

    def environment(self) -> dict[str, str]:
        """Return what the CLI, the plugins and the program see of the environment."""
        paths = [str(ROOT / ".tools" / "pulumi"), str(ROOT / ".venv" / "bin"), os.environ["PATH"]]
        keep = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        return {
            **keep,
            "PATH": os.pathsep.join(paths),
            "PULUMI_HOME": str(self._home),
            "PULUMI_BACKEND_URL": f"file://{self._state}",
            "PULUMI_CONFIG_PASSPHRASE": "stubs",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
            "PULUMI_SUPPRESS_NEO_LINK": "true",
            "PULUMI_ERROR_OUTPUT_STRING": "true",
            "STUB_WORLD": str(self.folder / "world"),
        }

    def preview(self, *arguments: str) -> PulumiOutcome:
        """Preview the stack."""
        return self._operation("preview", *arguments)

    def up(self, *arguments: str, fail: str = "") -> PulumiOutcome:
        """Update the stack; ``fail`` is what the stubs are to refuse."""
        return self._operation("up", "--yes", "--skip-preview", *arguments, fail=fail)

    def refresh(self, *arguments: str) -> PulumiOutcome:
        """Take the world's state over."""
        return self._operation("refresh", "--yes", *arguments)

    def destroy(self, *arguments: str) -> PulumiOutcome:
        """Take the stack down; its preview is what refuses while something is protected."""
        return self._operation("destroy", "--yes", *arguments)

    def _operation(self, verb: str, *arguments: str, fail: str = "") -> PulumiOutcome:
        words = [verb, "--stack", self.stack, "--non-interactive", "--color", "never", *arguments]
        if self.plugins is None:
            return self.pulumi(*words, environment={"STUB_FAIL": fail})
        self.plugins.fail(fail)
        words += self.plugins.arguments
        return self.pulumi(*words, environment=self.plugins.environment)

    def exported(self) -> dict[str, Any]:
        """Return the stack's state, secrets as they are stored."""
        done = self.pulumi("stack", "export", "--stack", self.stack)
        state: dict[str, Any] = json.loads(done.output)
        return state

    def resources(self) -> dict[str, dict[str, Any]]:
        """Return the resources in the state by URN."""
        found = self.exported()["deployment"].get("resources", [])
        return {item["urn"]: item for item in found}


def committed_settings(stack: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the committed configuration, and the secrets to plant in it by key.

    An encrypted value is replaced by a planted one: nothing here can or should decrypt it.
    """
    config = _committed(stack)
    planted = {
        key: f"{PLANTED}-{key.rpartition(':')[2]}"
        for key, value in config.items()
        if isinstance(value, dict) and "secure" in value
    }
    if config.get("kafka-gateway:controlPlane") == "konnect":
        planted.setdefault("kafka-gateway:konnectToken", f"kpat_{PLANTED}")
    else:
        config = {**NEEDED, **config}
    if config.get("kafka-gateway:publicEndpoint") is False:
        config = {**PEER, **config}
    return {key: value for key, value in config.items() if key not in planted}, planted


def _committed(stack: str) -> dict[str, Any]:
    file = ROOT / "stacks" / f"Pulumi.{stack}.yaml"
    config: dict[str, Any] = (yaml.safe_load(file.read_text()) or {}).get("config", {})
    return config
