# SPDX-License-Identifier: Apache-2.0
"""The innermost calls of a worker, from what its signal handlers wrote."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from gateway.data_plane.master.stack import fatal, innermost

Write = Callable[[str], int]
ASKED = """Current thread 0x1 (most recent call first):
  File "/a/b/c/d/one.py", line 1 in first
  File "/a/two.py", line 22 in second
"""
CRASHED = """Fatal Python error: Segmentation fault

Current thread 0x1 (most recent call first):
  File "/a/b/kafka/client.py", line 278 in _drain
  File "/a/b/c.py", line 3 in three
  File "/a/b/c.py", line 4 in four
  File "/a/b/c.py", line 5 in five
  File "/a/b/c.py", line 6 in six

Extension modules: a, b (total: 2)
"""


@pytest.fixture
def write() -> Iterator[Write]:
    """Write into a trace, as handlers do, one after the other; gives the trace."""
    trace = os.memfd_create("trace")

    def written(text: str) -> int:
        os.write(trace, text.encode())
        return trace

    yield written
    os.close(trace)


def test_the_innermost_calls_are_in_one_line(write: Write) -> None:
    assert innermost(write(ASKED)) == "c/d/one.py:1 first < /a/two.py:22 second"


def test_a_crash_says_what_it_was_and_where(write: Write) -> None:
    calls = "b/kafka/client.py:278 _drain < a/b/c.py:3 three < a/b/c.py:4 four < a/b/c.py:5 five"
    write("x" * 100_000)
    assert fatal(write(ASKED + CRASHED)) == f"Segmentation fault in {calls}"


@pytest.mark.parametrize("text", ["", ASKED])
def test_a_worker_that_did_not_crash_says_nothing(write: Write, text: str) -> None:
    assert fatal(write(text)) == ""


def test_a_crash_outside_of_python_says_so(write: Write) -> None:
    assert fatal(write("Fatal Python error: Aborted\n\n")) == "Aborted in no Python"
