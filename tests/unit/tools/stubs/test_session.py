# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from tools.stubs.__main__ import cloud_stacks
from tools.stubs.session import NEEDED, PEER, PLANTED, committed_settings

ROOT = Path(__file__).resolve().parents[4]
FILES = [file for file in (ROOT / "tools").rglob("*.py") if file.parts[-2] != "kubernetes"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_users_command_runs_nothing_of_the_tests(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        assert not [name for name in names if name.split(".")[0] == "tests"]


@pytest.mark.parametrize("stack", cloud_stacks())
def test_secrets_of_a_committed_stack_are_planted_and_never_in_its_settings(stack: str) -> None:
    settings, planted = committed_settings(stack)
    assert all(PLANTED in value for value in planted.values())
    assert not settings.keys() & planted.keys()
    assert "secure" not in json.dumps(settings)


def test_what_a_stack_file_leaves_open_is_made_up() -> None:
    assert committed_settings("prod")[0].items() >= {**NEEDED, **PEER}.items()
    settings, planted = committed_settings("konnect")
    assert "kafka-gateway:konnectToken" in planted
    assert not settings.keys() & NEEDED.keys()


def test_local_is_no_stack_of_a_cloud() -> None:
    assert cloud_stacks() == ["dev", "konnect", "prod", "staging"]
