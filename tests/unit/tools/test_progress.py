# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io
import re
import subprocess
import sys

import pytest

from tests.support.waiting import eventually
from tools.progress import Step, say, step, tell


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_elsewhere_than_on_a_terminal_there_are_plain_lines_now_and_then() -> None:
    stream = io.StringIO()
    with step("Pulumi CLI", stream, every=0.01) as shown:
        eventually(
            lambda: re.search(r"^==> Pulumi CLI: still at it after \d+ s$", stream.getvalue(), re.M)
        )
        tell(3, 12)
        eventually(lambda: "==> Pulumi CLI: 25% after" in stream.getvalue())
        assert not shown.is_terminal
    assert "\r" not in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_on_a_terminal_there_is_a_bar_which_is_gone_at_the_end() -> None:
    stream = Terminal()
    with step("Apache Kafka", stream, every=0.01):
        eventually(lambda: re.search(r"Apache Kafka  \d+ s", stream.getvalue()))
        tell(6, 12)
        eventually(lambda: f"{'█' * 12}{'░' * 12}  50%" in stream.getvalue())
    assert stream.getvalue().endswith("\r\x1b[K")
    assert "\n" not in stream.getvalue()


def test_a_short_step_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with step("quick"):
        pass
    assert capsys.readouterr().err == ""


def test_a_line_is_written_in_the_place_of_the_bar(capsys: pytest.CaptureFixture[str]) -> None:
    stream = Terminal()
    with step("long", stream, every=60) as shown:
        shown.show()
        say("something else")
        assert stream.getvalue().endswith("\r\x1b[K")
    assert capsys.readouterr().err == "==> something else\n"


def test_more_than_all_is_all() -> None:
    stream = io.StringIO()
    shown = Step("x", stream)
    shown.tell(5, 4)
    shown.show()
    assert "100%" in stream.getvalue()


def test_what_is_told_outside_of_a_step_is_nobodys_business() -> None:
    tell(1, 2)


def test_nothing_but_the_standard_library_is_needed() -> None:
    code = "import tools.progress, tools.bootstrap, sys; assert 'rich' not in sys.modules"
    # -S: as before anything is installed.
    subprocess.run([sys.executable, "-S", "-c", code], check=True)
