# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typer.testing import CliRunner

from gateway import __version__
from gateway.commands.command_line import application


def test_the_version_is_printed() -> None:
    outcome = CliRunner().invoke(application(), ["--version"])
    assert (outcome.exit_code, outcome.output) == (0, f"kafka-gateway {__version__}\n")


def test_every_command_stands_in_the_help() -> None:
    shown = CliRunner().invoke(application(), ["--help"]).output
    assert all(f" {name} " in shown for name in ("run", "check"))


def test_an_unknown_command_is_an_error_of_the_command_line() -> None:
    assert CliRunner().invoke(application(), ["nothing"]).exit_code == 2
