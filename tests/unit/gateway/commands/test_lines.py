# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.commands.lines import line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, é and 日本", "plain, é and 日本"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("two\nlines\r", r"two\nlines\r"),
        ("\u202eback", r"\u202eback"),
    ],
)
def test_what_would_steer_a_terminal_stands_for_itself(text: str, shown: str) -> None:
    assert line(text) == shown
