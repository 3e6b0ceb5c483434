# SPDX-License-Identifier: Apache-2.0
"""A Pulumi language host for Python: the ``LanguageRuntime`` service on gRPC.

The engine starts it, reads its port from the first line on stdout and asks it to run the
program; the program itself runs in ``pulumi-language-python-exec``, which comes with the SDK.
The project's own environment is managed by ``make``. The host leaves at once when interrupted, for
the engine waits for it at the end of each command.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent import futures
from pathlib import Path
from typing import Any, NoReturn

# Run as a file from the project's directory: import from the repository, not from this folder.
ROOT = Path(__file__).resolve().parents[2]
# Before anything slow: the engine may be gone by the time that we serve.
PARENT = os.getppid()
if __name__ == "__main__":
    sys.path[0] = str(ROOT)
    from provider.bare_sdk import expose_protocol_only

    expose_protocol_only()

import grpc  # noqa: E402
from google.protobuf import empty_pb2  # noqa: E402
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2  # noqa: E402

from provider.serving import serve_the_engine  # noqa: E402
from tools.language_host.generator import generate_package, generate_program  # noqa: E402
from tools.language_host.linking import install, link  # noqa: E402

# What the exec script exits with when the program's failure has been shown already.
REPORTED_EXIT_CODE = 32
EXEC_SCRIPT = "pulumi-language-python-exec"


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs programs and plugins with the Python of the project's virtual environment."""

    language = "python"
    """What SDKs and lines of programs are written in."""

    def __init__(self, engine: str) -> None:
        """``engine`` is the address of the engine's own service, handed on to the program."""
        self._engine = engine
        self._children: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Take the engine's address; nothing is to be agreed on."""
        self._engine = request.engine_address or self._engine
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The host has the version of the SDK that it runs programs with."""
        return plugin_pb2.PluginInfo(version=sdk_version())

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The provider plugins of the SDKs installed in the program's environment."""
        packages = required_plugins(site_packages(program_python(request.info)))
        return language_pb2.GetRequiredPackagesResponse(
            packages=[
                plugin_pb2.PackageDependency(
                    name=package["name"],
                    kind="resource",
                    version=package["version"],
                    server=package["server"],
                )
                for package in packages
            ]
        )

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The distributions installed in the program's environment."""
        found = distributions(site_packages(program_python(request.info)))
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[
                language_pb2.DependencyInfo(name=name, version=version)
                for name, version in sorted(found.items())
            ]
        )

    def Link(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Name SDKs in the program's requirements, for `pulumi package add`."""
        return language_pb2.LinkResponse(import_instructions=link(request))

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        """Install what the program requires, unless its environment is the one of `make`."""
        try:
            for text in install(request.info):
                yield language_pb2.InstallDependenciesResponse(stdout=text.encode())
        except subprocess.CalledProcessError as failed:
            context.abort(grpc.StatusCode.UNKNOWN, f"{failed.stderr or failed}".strip())

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> Any:  # noqa: N802
        """`pulumi new` has nothing to ask."""
        return language_pb2.RuntimeOptionsResponse()

    def About(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Which Python runs the program."""
        version = ".".join(str(part) for part in sys.version_info[:3])
        return language_pb2.AboutResponse(executable=program_python(request.info), version=version)

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Run the program to its end; ``bail`` says that it has shown its error itself."""
        python = program_python(request.info)
        try:
            command = [python, "-u", exec_script(), *run_arguments(request, self._engine)]
        except FileNotFoundError as missing:
            return language_pb2.RunResponse(error=str(missing))
        code = self._wait(
            self._start(command, cwd=None, environment=run_environment(request, python))
        )
        return outcome(code)

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        """Run a plugin from its source; its output is streamed, its exit code comes last."""
        python = program_python(request.info)
        program = os.path.join(request.info.program_directory, request.info.entry_point)
        # A policy pack is a library: its folder comes after the engine's own arguments.
        analyzer = request.kind == "analyzer"
        before = ["-m", "pulumi.policy"] if analyzer else [program]
        after = [program] if analyzer else []
        environment = dict(entry.split("=", 1) for entry in request.env if "=" in entry)
        child = self._start(
            [python, "-u", *before, *request.args, *after],
            cwd=request.pwd or None,
            environment=activated(environment or os.environ, python),
            pipe=True,
        )
        context.add_callback(child.terminate)
        yield from stream_output(child)
        yield language_pb2.RunPluginResponse(exitcode=self._wait(child))

    def GeneratePackage(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Write a package's SDK."""
        return generate_package(self.language, request, context)

    def GenerateProgram(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Write the lines of a program, for `pulumi import`."""
        return generate_program(self.language, request, context)

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        """End what runs; the engine closes us right after."""
        self.stop_children()
        return empty_pb2.Empty()

    def stop_children(self) -> None:
        """Terminate every program and plugin that is still running."""
        with self._lock:
            children = list(self._children)
        for child in children:
            if child.poll() is None:
                child.terminate()

    def _start(
        self, command: list[str], cwd: str | None, environment: dict[str, str], pipe: bool = False
    ) -> subprocess.Popen[bytes]:
        output = subprocess.PIPE if pipe else None
        child = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        with self._lock:
            self._children.add(child)
        return child

    def _wait(self, child: subprocess.Popen[bytes]) -> int:
        try:
            return child.wait()
        finally:
            with self._lock:
                self._children.discard(child)


def outcome(code: int) -> Any:
    """Return the ``RunResponse`` for the exit code of a program; a signal's is negative."""
    if code == REPORTED_EXIT_CODE:
        return language_pb2.RunResponse(bail=True)
    if code < 0:
        text = f"the program was ended by {signal.Signals(-code).name}"
        return language_pb2.RunResponse(error=text)
    return language_pb2.RunResponse(error=f"the program exited with {code}" if code else "")


def sdk_version() -> str:
    """Version of the installed Pulumi SDK, read without starting pip."""
    import importlib.metadata

    return importlib.metadata.version("pulumi")


def program_python(info: Any) -> str:
    """Interpreter of the program's virtual environment (runtime option ``virtualenv``), or ours."""
    named = info.options.fields["virtualenv"].string_value if "virtualenv" in info.options else ""
    if named:
        candidate = Path(info.root_directory or ".") / named / "bin" / "python"
        if candidate.exists():
            return str(candidate)
    return sys.executable


def site_packages(python: str) -> Path:
    """Where ``python`` keeps its distributions; nothing is started to find out."""
    environment = Path(python).parent.parent
    found = sorted(environment.glob("lib/python3*/site-packages"))
    return found[-1] if found else environment


def distributions(packages: Path) -> dict[str, str]:
    """Name to version of every distribution below ``packages``."""
    found: dict[str, str] = {}
    for folder in packages.glob("*.dist-info"):
        name, _, version = folder.name.removesuffix(".dist-info").rpartition("-")
        found[name] = version
    return found


def required_plugins(packages: Path) -> list[dict[str, str]]:
    """Provider plugins that installed SDKs ask for: name, version and download server of each."""
    versions = distributions(packages)
    plugins: list[dict[str, str]] = []
    for description in sorted(packages.glob("*/pulumi-plugin.json")):
        content = json.loads(description.read_text())
        if not content.get("resource"):
            continue
        folder = description.parent.name
        plugins.append(
            {
                "name": content.get("name") or folder.removeprefix("pulumi_").replace("_", "-"),
                "version": content.get("version") or versions.get(folder, ""),
                "server": content.get("server", ""),
            }
        )
    return plugins


def exec_script() -> str:
    """The SDK's exec script: on PATH, or beside the CLI.

    Raises FileNotFoundError saying how to get it.
    """
    beside = shutil.which("pulumi")
    folders = [str(Path(beside).resolve().parent)] if beside else []
    folders.append(str(ROOT / ".tools" / "pulumi"))
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *folders])
    found = shutil.which(EXEC_SCRIPT, path=path)
    if found is None:
        raise FileNotFoundError(f"{EXEC_SCRIPT} is not beside the Pulumi CLI: run `make up` again")
    return found


def run_arguments(request: Any, engine: str) -> list[str]:
    """Arguments of the exec script for one ``RunRequest``."""
    values = run_flags(request, engine)
    arguments = [part for flag, value in values.items() if value for part in (flag, value)]
    return [*arguments, program_of(request), *request.args]


def program_of(request: Any) -> str:
    """What a ``RunRequest`` is to run: a file or a folder."""
    return os.path.join(request.info.program_directory, request.info.entry_point) or "."


def run_flags(request: Any, engine: str) -> dict[str, str]:
    """Flag to value, empty ones included, of one ``RunRequest``."""
    return {
        "--monitor": request.monitor_address,
        "--engine": engine,
        "--project": request.project,
        "--root_directory": request.info.root_directory,
        "--stack": request.stack,
        "--pwd": request.pwd,
        "--dry_run": "true" if request.dryRun else "false",
        "--parallel": str(request.parallel),
        "--organization": request.organization,
    }


def run_environment(request: Any, python: str) -> dict[str, str]:
    """The program's environment: ours, the virtual environment and the stack's configuration."""
    environment = activated(os.environ, python)
    environment["PULUMI_CONFIG"] = json.dumps(dict(request.config))
    environment["PULUMI_CONFIG_SECRET_KEYS"] = json.dumps(list(request.configSecretKeys))
    return environment


def activated(environment: Mapping[str, str], python: str) -> dict[str, str]:
    """``environment`` as if the virtual environment of ``python`` had been activated."""
    folder = Path(python).parent
    changed = dict(environment)
    changed.pop("PYTHONHOME", None)
    changed["VIRTUAL_ENV"] = str(folder.parent)
    changed["PATH"] = os.pathsep.join([str(folder), environment.get("PATH", os.defpath)])
    return changed


def stream_output(child: subprocess.Popen[bytes]) -> Iterator[Any]:
    """``RunPluginResponse`` messages with what ``child`` writes, until both its streams end."""
    import queue

    chunks: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def pump(name: str) -> None:
        stream = getattr(child, name)
        for line in iter(stream.readline, b""):
            chunks.put(language_pb2.RunPluginResponse(**{name: line}))
        chunks.put(None)

    for name in ("stdout", "stderr"):
        threading.Thread(target=pump, args=(name,), daemon=True).start()
    open_streams = 2
    while open_streams:
        chunk = chunks.get()
        if chunk is None:
            open_streams -= 1
        else:
            yield chunk


def serve(host: LanguageHost, parent: int) -> NoReturn:
    """Serve on a free loopback port, print it, and leave at once when interrupted or orphaned."""
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=16),
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
    )
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    serve_the_engine(server, parent, host.stop_children)


if __name__ == "__main__":
    serve(LanguageHost(sys.argv[-1] if len(sys.argv) > 1 else ""), PARENT)
