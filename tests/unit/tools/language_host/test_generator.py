# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2

from tests.support.provider import CallError, Context
from tools.language_host import generator
from tools.language_host.generator import GeneratorHost


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A generator that notes how it was called."""
    script = tmp_path / "sdk-generator"
    script.write_text('#!/bin/sh\nprintf "%s " "$1" "$3" >"$2/called"; cat >"$2/schema"\n')
    script.chmod(0o755)
    monkeypatch.setattr(generator, "GENERATOR", script)
    return script


def request(folder: Path) -> language_pb2.GeneratePackageRequest:
    return language_pb2.GeneratePackageRequest(
        directory=str(folder),
        schema='{"name": "it"}',
        loader_target="127.0.0.1:7",
        extra_files={"more/file": b"more"},
    )


def test_the_generator_gets_language_folder_loader_and_schema(
    command: Path, tmp_path: Path
) -> None:
    GeneratorHost("go").GeneratePackage(request(tmp_path), Context())
    assert (tmp_path / "called").read_text() == "go 127.0.0.1:7 "
    assert (tmp_path / "schema").read_text() == '{"name": "it"}'
    assert (tmp_path / "more" / "file").read_bytes() == b"more"


def test_a_program_goes_through_the_generator_as_json(command: Path) -> None:
    command.write_text('#!/bin/sh\n[ "$1 $2 $3" = "go - 127.0.0.1:7" ] && cat\n')
    program = language_pb2.GenerateProgramRequest(
        source={"main.pp": "é"}, loader_target="127.0.0.1:7"
    )
    written = GeneratorHost("go").GenerateProgram(program, Context())
    assert dict(written.source) == {"main.pp": "é".encode()}


def test_what_the_generator_says_is_the_error(command: Path, tmp_path: Path) -> None:
    command.write_text("#!/bin/sh\necho 'no such type' >&2; exit 1\n")
    with pytest.raises(CallError) as failed:
        GeneratorHost("go").GeneratePackage(request(tmp_path), Context())
    assert failed.value.text == "no such type"


def test_without_a_generator_the_command_that_gets_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator, "GENERATOR", tmp_path / "none")
    with pytest.raises(CallError) as failed:
        GeneratorHost("go").GeneratePackage(request(tmp_path), Context())
    assert failed.value.code is grpc.StatusCode.FAILED_PRECONDITION
    assert "make sdks" in failed.value.text


def test_its_version_is_that_of_the_module_that_generates() -> None:
    module = (generator.ROOT / "tools" / "sdk_generator" / "go.mod").read_text()
    version = GeneratorHost("go").GetPluginInfo(empty_pb2.Empty(), Context()).version
    assert f"github.com/pulumi/pulumi/pkg/v3 v{version}\n" in module
