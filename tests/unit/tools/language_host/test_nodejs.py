# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import language_pb2, plugin_pb2

from tests.support.provider import CallError, Context
from tools.language_host.nodejs import NodeHost, installed_sdks, node_arguments, run_script

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not on PATH")
needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on PATH")
NOTES = """
const fs = require("fs");
fs.writeFileSync("called.json", JSON.stringify({
  arguments: process.argv.slice(2),
  config: process.env.PULUMI_CONFIG,
  typescript: process.env.PULUMI_NODEJS_TYPESCRIPT,
}));
process.exit(Number(fs.readFileSync("code", "utf8")));
"""


@pytest.fixture
def host() -> NodeHost:
    return NodeHost("127.0.0.1:5")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program's folder whose run script notes how it was called."""
    script = tmp_path / "node_modules" / "@pulumi" / "pulumi" / "cmd" / "run" / "index.js"
    script.parent.mkdir(parents=True)
    script.write_text(NOTES)
    (tmp_path / "code").write_text("0")
    return tmp_path


def info(folder: Path, **options: Any) -> Any:
    given = struct_pb2.Struct()
    given.update(options)
    return language_pb2.ProgramInfo(
        root_directory=str(folder), program_directory=str(folder), entry_point=".", options=given
    )


def request(folder: Path, **more: Any) -> Any:
    return language_pb2.RunRequest(
        project="p", stack="s", pwd=str(folder), monitor_address="127.0.0.1:6", parallel=4,
        organization="o", config={"p:key": "value"}, info=info(folder), **more,
    )  # fmt: skip


@needs_node
def test_a_program_gets_its_arguments_and_configuration(host: NodeHost, program: Path) -> None:
    answer = host.Run(request(program, dryRun=True, args=["more"]), Context())
    assert answer == language_pb2.RunResponse()
    called = json.loads((program / "called.json").read_text())
    assert called["arguments"] == [
        "--monitor=127.0.0.1:6", "--engine=127.0.0.1:5", "--project=p",
        f"--root-directory={program}", "--stack=s", f"--pwd={program}", "--dry-run=true",
        "--parallel=4", "--organization=o", f"{program}/.", "more",
    ]  # fmt: skip
    assert json.loads(called["config"]) == {"p:key": "value"}
    assert called["typescript"] == "true"


def test_an_update_is_no_dry_run(program: Path) -> None:
    assert not [one for one in node_arguments(request(program), "") if one.startswith("--dry")]


@needs_node
@pytest.mark.parametrize(("code", "bail", "error"), [("32", True, ""), ("3", False, "exited with")])
def test_a_failure_is_told_unless_the_program_has_shown_it(
    host: NodeHost, program: Path, code: str, bail: bool, error: str
) -> None:
    (program / "code").write_text(code)
    answer = host.Run(request(program), Context())
    assert answer.bail is bail
    assert error in answer.error


def test_a_program_without_its_packages_says_what_to_do(host: NodeHost, tmp_path: Path) -> None:
    assert "run `npm install`" in host.Run(request(tmp_path), Context()).error


def test_packages_may_be_those_of_a_folder_above(program: Path) -> None:
    inner = program / "stacks" / "one"
    inner.mkdir(parents=True)
    found = run_script(inner)
    assert found is not None
    assert found.is_relative_to(program)


def test_the_plugins_of_installed_sdks_are_told(host: NodeHost, tmp_path: Path) -> None:
    for name, described in {
        "@pulumi/gateway": {"resource": True, "name": "gateway", "version": "0.1.0"},
        "@pulumi/pulumi": None,
        "ours": {"resource": False},
    }.items():
        package = tmp_path / "node_modules" / name
        package.mkdir(parents=True)
        (package / "package.json").write_text(json.dumps({"name": name, "pulumi": described}))
    assert [one["name"] for one in installed_sdks(tmp_path)] == ["gateway"]
    asked = language_pb2.GetRequiredPackagesRequest(info=info(tmp_path))
    (found,) = host.GetRequiredPackages(asked, Context()).packages
    assert (found.name, found.kind, found.version) == ("gateway", "resource", "0.1.0")


@needs_npm
def test_an_sdk_is_named_in_the_programs_package(host: NodeHost, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "mine", "dependencies": {"other": "1"}}')
    sdk = tmp_path / "sdks" / "kafka-gateway"
    sdk.mkdir(parents=True)
    (sdk / "package.json").write_text('{"name": "@pulumi/kafka-gateway"}')
    dependency = language_pb2.LinkRequest.LinkDependency(
        path="sdks/kafka-gateway", package=plugin_pb2.PackageDependency(name="kafka-gateway")
    )
    linked = language_pb2.LinkRequest(info=info(tmp_path), packages=[dependency])
    told = host.Link(linked, Context()).import_instructions
    assert 'import * as kafkaGateway from "@pulumi/kafka-gateway";' in told
    named = json.loads((tmp_path / "package.json").read_text())["dependencies"]
    assert named == {"other": "1", "@pulumi/kafka-gateway": "file:sdks/kafka-gateway"}
    asked = language_pb2.GetProgramDependenciesRequest(info=info(tmp_path))
    listed = host.GetProgramDependencies(asked, Context()).dependencies
    assert [one.name for one in listed] == ["@pulumi/kafka-gateway", "other"]


@needs_npm
def test_what_npm_says_is_the_error(host: NodeHost, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"dependencies": {"x": "file:no-such-folder"}}')
    asked = language_pb2.InstallDependenciesRequest(info=info(tmp_path))
    (tmp_path / "package.json").write_text("{")
    with pytest.raises(CallError, match=r"package\.json"):
        list(host.InstallDependencies(asked, Context()))


def test_it_has_the_version_of_the_code_that_generates(host: NodeHost) -> None:
    assert host.GetPluginInfo(empty_pb2.Empty(), Context()).version == "3.259.0"
