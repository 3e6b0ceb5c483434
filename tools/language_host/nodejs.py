# SPDX-License-Identifier: Apache-2.0
"""A language host for Node.js beside a CLI that was built from Go modules, which has none.

Programs run by ``@pulumi/pulumi``'s own script in their ``node_modules``; packages are npm's to
install. Flags and variables are those of the official host (pulumi/pulumi,
``sdk/nodejs/cmd/pulumi-language-nodejs/main.go``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Run as a file from the project's directory: import from the repository, not from this folder.
ROOT = Path(__file__).resolve().parents[2]
PARENT = os.getppid()
if __name__ == "__main__":
    sys.path[0] = str(ROOT)
    from provider.bare_sdk import expose_protocol_only

    expose_protocol_only()

import grpc  # noqa: E402
from pulumi.runtime.proto import language_pb2, plugin_pb2  # noqa: E402

from tools.language_host.generator import VERSION  # noqa: E402
from tools.language_host.server import (  # noqa: E402
    LanguageHost,
    outcome,
    program_of,
    run_environment,
    run_flags,
    serve,
)

SCRIPT = Path("@pulumi") / "pulumi" / "cmd" / "run" / "index.js"


class NodeHost(LanguageHost):
    """Runs programs in TypeScript and JavaScript, and writes SDKs for them."""

    language = "nodejs"

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The host has the version of the code that generates."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The provider plugins of the SDKs among the program's packages."""
        packages = [
            plugin_pb2.PackageDependency(
                name=found.get("name", ""),
                kind="resource",
                version=str(found.get("version", "")).removeprefix("v"),
                server=found.get("server", ""),
            )
            for found in installed_sdks(Path(request.info.program_directory))
        ]
        return language_pb2.GetRequiredPackagesResponse(packages=packages)

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:  # noqa: N802
        """What the program's package.json names."""
        named = package_json(Path(request.info.program_directory)).get("dependencies", {})
        found = [
            language_pb2.DependencyInfo(name=name, version=version)
            for name, version in sorted(named.items())
        ]
        return language_pb2.GetProgramDependenciesResponse(dependencies=found)

    def About(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Which Node.js runs the program."""
        printed = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
        return language_pb2.AboutResponse(executable="node", version=printed.stdout.strip())

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        """Install what the program's package.json names."""
        words = ("install", "--no-audit", "--no-fund", "--loglevel=error")
        printed = npm(Path(request.info.program_directory), context, *words)
        yield language_pb2.InstallDependenciesResponse(stdout=printed.encode())

    def Link(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Name SDKs in the program's package.json, for `pulumi package add`."""
        folder = Path(request.info.program_directory)
        imports = []
        for dependency in request.packages:
            package = package_json(folder / dependency.path)["name"]
            npm(folder, context, "pkg", "set", f"dependencies.{package}=file:{dependency.path}")
            name = "".join(part.title() for part in dependency.package.name.split("-"))
            imports.append(f'\n  import * as {name[:1].lower()}{name[1:]} from "{package}";')
        text = f"You can then import the SDK in your TypeScript code with:\n{''.join(imports)}\n"
        return language_pb2.LinkResponse(import_instructions=text)

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Run the program to its end; ``bail`` says that it has shown its error itself."""
        script = run_script(Path(request.info.program_directory))
        if script is None:
            text = f"node_modules has no {SCRIPT}: run `npm install` in the program's folder"
            return language_pb2.RunResponse(error=text)
        plain = dict(request.info.options.items()).get("typescript") is False
        environment = run_environment(request, sys.executable)
        environment["PULUMI_NODEJS_TYPESCRIPT"] = "false" if plain else "true"
        command = ["node", str(script), *node_arguments(request, self._engine)]
        child = self._start(command, cwd=request.pwd or None, environment=environment)
        return outcome(self._wait(child))


def node_arguments(request: Any, engine: str) -> list[str]:
    """Return the script's arguments for one ``RunRequest``."""
    values = run_flags(request, engine)
    if values["--dry_run"] == "false":
        values["--dry_run"] = ""
    given = [f"{flag.replace('_', '-')}={value}" for flag, value in values.items() if value]
    return [*given, program_of(request), *request.args]


def run_script(folder: Path) -> Path | None:
    """Return the script that runs programs, of the nearest ``node_modules`` upwards."""
    for place in (folder, *folder.parents):
        found = place / "node_modules" / SCRIPT
        if found.exists():
            return found
    return None


def installed_sdks(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield what the package.json of each provider's SDK says of its plugin."""
    for file in sorted(folder.glob("node_modules/**/package.json")):
        if len(file.relative_to(folder / "node_modules").parts) > 3:
            continue
        described = json.loads(file.read_text()).get("pulumi") or {}
        if isinstance(described, dict) and described.get("resource"):
            yield described


def package_json(folder: Path) -> dict[str, Any]:
    """Return a folder's package.json; an empty one where there is none."""
    file = folder / "package.json"
    found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return found


def npm(folder: Path, context: Any, *words: str) -> str:
    """Run npm quietly in a program's folder; return what it prints. If it fails, the call does."""
    done = subprocess.run(
        ["npm", *words],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        context.abort(grpc.StatusCode.UNKNOWN, (done.stderr or done.stdout).strip())
    return done.stdout


if __name__ == "__main__":
    serve(NodeHost(sys.argv[-1] if len(sys.argv) > 1 else ""), PARENT)
