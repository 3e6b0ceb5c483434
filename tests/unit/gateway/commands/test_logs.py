# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.commands import logs
from gateway.commands.command_line import application
from gateway.commands.local_processes import RECORD
from gateway.commands.logs import LogTail
from gateway.process_identity import identify


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two processes with a log of 30 lines each."""
    monkeypatch.setattr(logs, "STATE", tmp_path)
    own = identify(os.getpid())
    assert own is not None
    for name in ("data-plane", "kafka"):
        (tmp_path / name).mkdir()
        (tmp_path / name / RECORD).write_text(json.dumps({"identity": vars(own)}))
        lines = "".join(f"{name} {number}\n" for number in range(30))
        (tmp_path / name / f"{name}.log").write_text(lines)
    return tmp_path


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(application(), ["logs", *arguments])
    return done.exit_code, done.output


@pytest.mark.usefixtures("state")
def test_the_last_lines_of_all_or_of_one() -> None:
    assert run("-n", "1") == (0, "data-plane | data-plane 29\nkafka | kafka 29\n")
    assert run("kafka", "-n", "2") == (0, "kafka 28\nkafka 29\n")
    assert len(run("kafka")[1].splitlines()) == 20


@pytest.mark.usefixtures("state")
def test_an_unknown_process_is_named_with_those_that_are() -> None:
    said = "error: no process 'kafak'; did you mean \"kafka\"? allowed: data-plane, kafka\n"
    assert run("kafak") == (1, said)


def test_without_a_stack_the_command_that_makes_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "STATE", tmp_path)
    code, said = run()
    assert code == 1
    assert "make up" in said


def test_what_is_followed_goes_on_after_a_restart_and_only_in_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "it.log"
    tail = LogTail("it", log)
    assert list(tail.last(5)) == []
    log.write_bytes(b"one\ntw")
    assert list(tail.more()) == [b"it | one\n"]
    with log.open("ab") as file:
        file.write(b"o\n")
    assert list(tail.more()) == [b"it | two\n"]
    # As the provider does it at each start.
    log.rename(tmp_path / "it.log.1")
    assert list(tail.more()) == []
    log.write_bytes(b"three\n")
    assert list(tail.more()) == [b"it | three\n"]
    assert list(tail.more()) == []
    tail.close()
