# SPDX-License-Identifier: Apache-2.0
"""What a worker's signal handlers wrote of its stack: its innermost calls, in one line."""

from __future__ import annotations

import os
import re

_FRAME = re.compile(r'File "([^"]*)", line (\d+) in (\S+)')
_FATAL = "Fatal Python error: "
_FRAMES = 4
_MOST = 65536


def innermost(trace: int) -> str:
    """Return the innermost calls in a trace, the memory that a worker's stack is written to."""
    return _calls(os.pread(trace, _MOST, 0).decode("utf-8", "replace"))


def fatal(trace: int) -> str:
    """Return what ended a worker, by ``faulthandler``, and in which calls; empty for nothing."""
    size = os.fstat(trace).st_size
    text = os.pread(trace, _MOST, max(0, size - _MOST)).decode("utf-8", "replace")
    _, found, last = text.rpartition(_FATAL)
    if not found:
        return ""
    return f"{last.partition(chr(10))[0]} in {_calls(last) or 'no Python'}"


def _calls(text: str) -> str:
    frames = [
        f"{'/'.join(path.split('/')[-3:])}:{line} {name}"
        for path, line, name in _FRAME.findall(text)
    ]
    return " < ".join(frames[:_FRAMES])
