# SPDX-License-Identifier: Apache-2.0
"""Guides as tests run them: their commands, and whether what these print is what stands there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

VARYING = (
    (r"(?m)^Date: .*$", "Date: now"),
    (r"(?m)^(Retry-After|RateLimit-Reset|X-Kong-\w+-Latency): \d+$", r"\1: 0"),
    (r"\b[0-9a-f]{32}\b", "id"),
)
"""What differs from run to run, with what it is compared as."""


class Step(NamedTuple):
    """A command of the guide, and what it prints there."""

    command: str
    printed: str


def steps(page: str) -> Iterator[Step]:
    """Give the commands of all console blocks in order."""
    for block in re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            yield Step(command, printed.strip())


def masked(text: str) -> str:
    """Return a text with what varies made equal."""
    for pattern, same in VARYING:
        text = re.sub(pattern, same, text)
    return text


def fits(printed: str, shown: str) -> bool:
    """Return whether that was printed; a line ``…`` stands for any lines, ``…`` in one for any."""
    parts = []
    for line in masked(shown).splitlines():
        if line == "…":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(r".*".join(map(re.escape, line.split("…"))) + r"\n")
    return re.fullmatch("".join(parts), masked(printed) + "\n" if printed else "") is not None
