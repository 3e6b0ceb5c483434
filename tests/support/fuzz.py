# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.support.fuzz``: the property of the HTTP server on any number of streams.

Prints the seed of the first stream before it starts and the seed of each stream that differs;
``--seed N --streams 1`` shows one again. Fails when one differs. The request path is compiled, as
workers have it, where that is installed; ``--python`` runs its source.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator

from gateway.compiled import use_compiled

_SHARE = 2000
"""Streams that a process takes at once."""
_SHOWN = 5
_EVERY = 50
"""Shares between two lines of progress."""


def differences(first: int, count: int) -> list[tuple[int, str]]:
    """Return the seeds from ``first`` on whose streams differ, with how."""
    # Late: nothing of the gateway may be loaded before it is known what it is to be.
    from tests.support.http_property import difference

    found = ((seed, difference(seed)) for seed in range(first, first + count))
    return [(seed, text) for seed, text in found if text is not None]


def _shares(first: int, count: int) -> Iterator[tuple[int, int]]:
    for start in range(first, first + count, _SHARE):
        yield start, min(_SHARE, first + count - start)


def _differences_of(share: tuple[int, int]) -> tuple[str, list[tuple[int, str]]]:
    """Return which request path a process runs, too."""
    found = differences(*share)
    source = sys.modules["gateway.http.protocol"].__file__ or ""
    return "Python" if source.endswith(".py") else "compiled", found


def _begin(python: bool) -> None:
    """Choose what a process is to run, before it loads any of it."""
    if not python:
        use_compiled()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run the streams in several processes; return an exit code."""
    options = argparse.ArgumentParser(prog="python -m tests.support.fuzz")
    options.add_argument("--streams", type=int, default=1_000_000)
    options.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(5)))
    options.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options.add_argument("--python", action="store_true", help="not compiled")
    given = options.parse_args()
    _say(f"seeds {given.seed} to {given.seed + given.streams - 1}")
    began, done, found = time.monotonic(), 0, 0
    shares = list(_shares(given.seed, given.streams))
    with multiprocessing.get_context("spawn").Pool(
        given.processes, _begin, (given.python,)
    ) as pool:
        for number, (runs, differing) in enumerate(pool.imap(_differences_of, shares)):
            if not number:
                _say(f"request path: {runs}")
            done += shares[number][1]
            for seed, text in differing:
                found += 1
                if found <= _SHOWN:
                    _say(f"\nseed {seed}: {text}\n")
            if number % _EVERY == _EVERY - 1:
                _say(f"{done:,} streams, {found} differ")
    lasted = time.monotonic() - began
    _say(f"{done:,} streams in {lasted:.0f} s, seeds from {given.seed}: {found} differ")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
