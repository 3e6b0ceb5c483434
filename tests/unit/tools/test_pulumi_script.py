# SPDX-License-Identifier: Apache-2.0
"""The project's `pulumi`: the local stack's environment reaches no other stack."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder whose CLI only prints its environment."""
    for part in ("tools/bin", "tools"):
        (tmp_path / part).mkdir(parents=True, exist_ok=True)
    for file in ("tools/bin/pulumi", "tools/local_stack", "tools/env"):
        shutil.copy(ROOT / file, tmp_path / file)
    (tmp_path / "stacks").mkdir()
    cli = tmp_path / ".tools" / "pulumi" / "pulumi"
    cli.parent.mkdir(parents=True)
    cli.write_text('#!/bin/sh\ncase "$*" in "stack init"*) exit 0;; esac\nenv\n')
    cli.chmod(0o755)
    return tmp_path


def run(project: Path, *arguments: str, **environment: str) -> dict[str, str]:
    done = subprocess.run(
        [str(project / "tools" / "bin" / "pulumi"), *arguments],
        env={"PATH": os.environ["PATH"], "HOME": "/nowhere", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


@pytest.mark.parametrize(
    "arguments",
    [
        ("preview",),
        ("preview", "--stack", "local"),
        ("up", "-s", "local"),
        ("up", "--stack=organization/kafka-gateway/local"),
    ],
)
def test_the_local_stack_has_its_own_backend_and_passphrase(
    project: Path, arguments: tuple[str, ...]
) -> None:
    seen = run(project, *arguments, PULUMI_ACCESS_TOKEN="of-the-user")
    assert seen["PULUMI_BACKEND_URL"] == f"file://{project}/.state/pulumi"
    passphrase = Path(seen["PULUMI_CONFIG_PASSPHRASE_FILE"])
    assert passphrase.stat().st_mode & 0o777 == 0o600
    assert len(passphrase.read_text().strip()) >= 40
    assert "PULUMI_ACCESS_TOKEN" not in seen


@pytest.mark.parametrize(
    "arguments",
    [
        ("preview", "--stack", "prod"),
        ("up", "--stack=prod"),
        ("up", "-s", "acme/kafka-gateway/prod"),
        ("stack", "select", "prod"),
    ],
)
def test_another_stack_gets_the_users_environment_as_it_is(
    project: Path, arguments: tuple[str, ...]
) -> None:
    seen = run(project, *arguments, PULUMI_BACKEND_URL="s3://state", PULUMI_ACCESS_TOKEN="theirs")
    assert seen["PULUMI_BACKEND_URL"] == "s3://state"
    assert seen["PULUMI_ACCESS_TOKEN"] == "theirs"
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in seen
    assert "PULUMI_HOME" not in seen


def test_a_selected_stack_stays_selected(project: Path) -> None:
    run(project, "stack", "select", "prod")
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in run(project, "preview")
    run(project, "stack", "select", "local")
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" in run(project, "preview")


def test_the_stack_of_the_environment_is_respected(project: Path) -> None:
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in run(project, "preview", PULUMI_STACK="prod")


def test_a_passphrase_is_made_once(project: Path) -> None:
    run(project, "preview")
    passphrase = project / ".state" / "pulumi" / "passphrase"
    first = passphrase.read_text()
    run(project, "preview")
    assert passphrase.read_text() == first


def test_a_salt_of_a_lost_passphrase_is_dropped(project: Path) -> None:
    settings = project / "stacks" / "Pulumi.local.yaml"
    settings.write_text("encryptionsalt: v1:old\nconfig:\n  kafka-gateway:workers: 3\n")
    run(project, "preview")
    assert settings.read_text() == "config:\n  kafka-gateway:workers: 3\n"


def selected(project: Path) -> str:
    """Return the stack that a command without one is for."""
    seen = run(project, "preview")
    chosen = project / ".state" / "selected-stack"
    name = chosen.read_text().strip() if chosen.exists() else "local"
    assert ("PULUMI_CONFIG_PASSPHRASE_FILE" in seen) == (name == "local")
    return name


def fails(project: Path) -> None:
    """Let the CLI refuse what is done with stacks from now on."""
    cli = project / ".tools" / "pulumi" / "pulumi"
    cli.write_text('#!/bin/sh\ncase "$*" in "stack "*) exit 6;; esac\nenv\n')


@pytest.mark.parametrize(
    "arguments",
    [
        ("stack", "init", "x"),
        ("stack", "select", "x"),
        ("stack", "init", "--stack", "x"),
        ("stack", "rm", "prod"),
        ("stack", "rename", "x"),
    ],
)
def test_what_fails_changes_no_selection(project: Path, arguments: tuple[str, ...]) -> None:
    run(project, "stack", "select", "prod")
    fails(project)
    with pytest.raises(subprocess.CalledProcessError) as failed:
        run(project, *arguments)
    assert failed.value.returncode == 6
    assert selected(project) == "prod"


@pytest.mark.parametrize(
    ("arguments", "then"),
    [
        (("stack", "init", "x"), "x"),
        (("stack", "init", "x", "--no-select"), "prod"),
        (("stack", "select", "--create", "x"), "x"),
        (("stack", "select", "--stack", "x", "--create"), "x"),
        (("stack", "rm", "prod"), "local"),
        (("stack", "rm", "--yes", "other"), "prod"),
        (("stack", "rename", "x"), "x"),
        (("stack", "rename", "x", "--stack", "other"), "prod"),
        (("stack", "ls"), "prod"),
    ],
)
def test_the_selection_follows_what_was_done(
    project: Path, arguments: tuple[str, ...], then: str
) -> None:
    run(project, "stack", "select", "prod")
    run(project, *arguments)
    assert selected(project) == then


def test_language_hosts_that_were_fetched_come_last_on_the_path(project: Path) -> None:
    for hosts in ("yaml", "sdk"):
        (project / ".tools" / hosts).mkdir()
    *others, yaml, sdk = run(project, "preview")["PATH"].split(":")
    assert [yaml, sdk] == [f"{project}/.tools/yaml", f"{project}/.tools/sdk"]
    assert f"{project}/.tools/pulumi" in others
