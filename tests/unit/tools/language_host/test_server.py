# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from tests.support.waiting import PATIENCE, eventually
from tools.language_host import server

ROOT = Path(__file__).resolve().parents[4]
HOST = ROOT / "tools" / "language_host" / "pulumi-language-python"
REPORT = """#!{python}
import json, os, sys
names = ("PULUMI_CONFIG", "PULUMI_CONFIG_SECRET_KEYS", "VIRTUAL_ENV", "PYTHONHOME")
report = {{"arguments": sys.argv[1:], "environment": {{n: os.environ.get(n) for n in names}}}}
open("{folder}/report", "w").write(json.dumps(report))
{then}
"""


class Host:
    """The real executable, and a stand-in for the SDK's exec script on its PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONHOME": ""}
        self.process = subprocess.Popen(
            [str(HOST), "127.0.0.1:9999"],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        port = int(self.process.stdout.readline())
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = language_pb2_grpc.LanguageRuntimeStub(self.channel)

    def program(self, then: str) -> None:
        """Let the exec script report what it got, then do ``then``."""
        script = self.folder / server.EXEC_SCRIPT
        text = REPORT.format(python=sys.executable, folder=self.folder, then=then)
        script.write_text(text)
        script.chmod(0o755)

    def request(self) -> Any:
        return language_pb2.RunRequest(
            project="p",
            stack="s",
            pwd="/work",
            dryRun=True,
            parallel=4,
            monitor_address="127.0.0.1:1",
            organization="o",
            config={"p:key": "value"},
            configSecretKeys=["p:key"],
            info=info(self.folder),
        )

    def report(self) -> Any:
        return json.loads((self.folder / "report").read_text())

    def close(self) -> None:
        self.channel.close()
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def info(folder: Path, virtualenv: str = "") -> Any:
    options = struct_pb2.Struct()
    if virtualenv:
        options["virtualenv"] = virtualenv
    return language_pb2.ProgramInfo(
        root_directory=str(folder), program_directory=str(folder), entry_point=".", options=options
    )


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path)
    yield made
    made.close()


def test_a_program_gets_its_arguments_and_configuration(host: Host) -> None:
    host.program("")
    answer = host.stub.Run(host.request())
    assert (answer.error, answer.bail) == ("", False)
    report = host.report()
    assert report["arguments"] == [
        *("--monitor", "127.0.0.1:1", "--engine", "127.0.0.1:9999", "--project", "p"),
        *("--root_directory", str(host.folder), "--stack", "s", "--pwd", "/work"),
        *("--dry_run", "true", "--parallel", "4", "--organization", "o"),
        f"{host.folder}/.",
    ]
    environment = report["environment"]
    assert json.loads(environment["PULUMI_CONFIG"]) == {"p:key": "value"}
    assert json.loads(environment["PULUMI_CONFIG_SECRET_KEYS"]) == ["p:key"]
    assert environment["VIRTUAL_ENV"] == str(Path(sys.executable).parent.parent)
    assert environment["PYTHONHOME"] is None


def test_a_failure_that_was_shown_is_not_told_again(host: Host) -> None:
    host.program("sys.exit(32)")
    answer = host.stub.Run(host.request())
    assert (answer.error, answer.bail) == ("", True)


def test_any_other_failure_is_told(host: Host) -> None:
    host.program("sys.exit(3)")
    assert host.stub.Run(host.request()).error == "the program exited with 3"
    host.program("os.kill(os.getpid(), 9)")
    assert host.stub.Run(host.request()).error == "the program was ended by SIGKILL"


def test_cancel_ends_a_running_program(host: Host) -> None:
    host.program("import signal; signal.pause()")
    running = host.stub.Run.future(host.request())
    eventually(lambda: (host.folder / "report").exists())
    host.stub.Cancel(empty_pb2.Empty())
    assert running.result(timeout=PATIENCE).error == "the program was ended by SIGTERM"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_leaves_at_once_also_while_a_program_runs(host: Host, number: signal.Signals) -> None:
    host.program("import signal; signal.pause()")
    running = host.stub.Run.future(host.request())
    eventually(lambda: (host.folder / "report").exists())
    host.process.send_signal(number)
    assert host.process.wait(timeout=PATIENCE) == 0
    assert running.exception(timeout=PATIENCE) is not None


def test_it_has_the_version_of_the_sdk(host: Host) -> None:
    assert host.stub.GetPluginInfo(empty_pb2.Empty()).version == server.sdk_version()
    about = host.stub.About(language_pb2.AboutRequest(info=info(host.folder)))
    assert about.executable == sys.executable


def test_installed_provider_sdks_are_told(host: Host) -> None:
    request = language_pb2.GetRequiredPackagesRequest(info=info(host.folder))
    found = {p.name: p.version for p in host.stub.GetRequiredPackages(request).packages}
    assert {"aws", "eks", "kubernetes", "confluentcloud"} <= set(found)
    assert all(found.values())
    listed = host.stub.GetProgramDependencies(
        language_pb2.GetProgramDependenciesRequest(info=info(host.folder))
    )
    assert "pulumi" in {dependency.name for dependency in listed.dependencies}


def test_nothing_is_installed_by_it(host: Host) -> None:
    request = language_pb2.InstallDependenciesRequest(info=info(host.folder))
    (said,) = host.stub.InstallDependencies(request)
    assert b"make" in said.stdout


def test_a_plugin_runs_from_its_source(host: Host) -> None:
    (host.folder / "__main__.py").write_text(
        "import os, sys\nprint(sys.argv[1], os.environ['MARK'])\n"
        "print('aside', file=sys.stderr)\nsys.exit(5)\n"
    )
    request = language_pb2.RunPluginRequest(
        info=info(host.folder), args=["one"], env=["MARK=here", "PATH=/usr/bin"], kind="resource"
    )
    said = list(host.stub.RunPlugin(request))
    assert b"".join(part.stdout for part in said) == b"one here\n"
    assert b"".join(part.stderr for part in said) == b"aside\n"
    assert said[-1].exitcode == 5


def test_the_named_virtual_environment_is_used_if_it_is_there(tmp_path: Path) -> None:
    assert server.program_python(info(tmp_path, "env")) == sys.executable
    python = tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert server.program_python(info(tmp_path, "env")) == str(python)


def test_a_missing_exec_script_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(server, "ROOT", tmp_path)
    with pytest.raises(FileNotFoundError, match="run `make"):
        server.exec_script()


def test_plugins_are_named_by_their_description(tmp_path: Path) -> None:
    (tmp_path / "pulumi_one_two-1.2.3.dist-info").mkdir()
    for name, content in {
        "pulumi_one_two": {"resource": True},
        "pulumi_other": {"resource": True, "name": "third", "version": "4.5.6", "server": "s"},
        "pulumi_none": {"resource": False},
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "pulumi-plugin.json").write_text(json.dumps(content))
    assert server.required_plugins(tmp_path) == [
        {"name": "one-two", "version": "1.2.3", "server": ""},
        {"name": "third", "version": "4.5.6", "server": "s"},
    ]
