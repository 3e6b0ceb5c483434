# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import typer

from gateway.commands.failures import in_words
from gateway.errors import CommandFailed


@in_words
def failing() -> None:
    """Fail."""
    raise CommandFailed("there is no such thing")


def test_a_failure_is_one_sentence_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        failing()
    assert ended.value.exit_code == 1
    assert capsys.readouterr().err == "error: there is no such thing\n"


@in_words
def failing_in_others_words() -> None:
    """Fail."""
    raise CommandFailed("the server says \x1b[2J\x07no\nand more")


def test_nothing_of_a_failure_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        failing_in_others_words()
    assert capsys.readouterr().err == "error: the server says \\x1b[2J\\x07no\nand more\n"


@in_words
def failing_with(error: Exception) -> None:
    """Fail."""
    raise error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (PermissionError(13, "Permission denied", "/x"), "/x: Permission denied"),
        (UnicodeEncodeError("utf-8", "secret\udcff", 6, 7, "no"), "is not all UTF-8"),
    ],
)
def test_what_the_system_refuses_is_a_sentence_too(
    error: Exception, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit):
        failing_with(error)
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.endswith(f"{text}\n")
    assert "secret" not in said


def test_a_reader_that_leaves_is_no_failure() -> None:
    with pytest.raises(BrokenPipeError):
        failing_with(BrokenPipeError(32, "Broken pipe"))
