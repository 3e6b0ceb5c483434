# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.soak``: a million produced records, and a new configuration every 100 ms.

Prints resident memory after each tenth of the million, and what was answered while the
configuration was swapped. Fails when a record is missing or doubled, when memory grew by more than
a tenth after the first tenth of the requests, or when anything failed during the swaps.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from pathlib import Path

from bench.cases import GATEWAY, Case, Pace
from bench.stage import Measured, Stage, stage

_REQUESTS = 1_000_000
_PARTS = 10
_SWAP_EVERY = 0.1
_GROWTH = 1.1
_PRODUCE = Case("soak", (GATEWAY,), "/sync", "200", 256, 256, limit=_REQUESTS // _PARTS)
_SWAPPED = Case("swaps", (GATEWAY,), "/sync", "200", 64, 256, rate=2000.0)
_LONG = Pace(seconds=120.0, warm_up=0.0, rounds=1)
_WARMING = 30
"""How often the broker is loaded for two seconds at most, before all of it."""
_SHORT = Pace(seconds=20.0, warm_up=1.0, rounds=1)


def main() -> int:
    """Run both; return an exit code."""
    with (
        tempfile.TemporaryDirectory() as folder,
        stage(Path(folder), [_PRODUCE, _SWAPPED], tls=False) as found,
    ):
        found.warm_up(_WARMING)
        return max(_million(found), _swaps(found))


def _million(found: Stage) -> int:
    resident: list[int] = []
    wrong = 0
    for part in range(1, _PARTS + 1):
        measured = found.measure(_PRODUCE, GATEWAY, _LONG)
        wrong += _faults(measured)
        resident.append(measured.resident)
        done = part * _PRODUCE.limit
        print(f"{done:>9,} requests  {measured.resident / 2**20:6.1f} MiB resident", flush=True)
    grown = resident[-1] > _GROWTH * resident[0]
    print(f"lost, doubled or failed: {wrong}; memory {'grew' if grown else 'is flat'}")
    return int(bool(wrong) or grown)


def _swaps(found: Stage) -> int:
    stop = threading.Event()
    swaps = 0

    def swap() -> None:
        nonlocal swaps
        while not stop.wait(_SWAP_EVERY):
            found.gateway(_SWAPPED).swap()
            swaps += 1

    thread = threading.Thread(target=swap, daemon=True)
    thread.start()
    try:
        measured = found.measure(_SWAPPED, GATEWAY, _SHORT)
    finally:
        stop.set()
        thread.join()
    wrong = _faults(measured)
    print(
        f"{swaps} swaps under load: {measured.statuses}, p99 {measured.percentiles['p99']:.1f} ms"
    )
    print(f"lost, doubled or failed: {wrong}")
    return int(bool(wrong))


def _faults(measured: Measured) -> int:
    """Return how many requests were not answered 200, or whose record is not there exactly once."""
    verdict = measured.verdict
    records = verdict.lost + verdict.duplicated if verdict is not None else 0
    others = sum(count for status, count in measured.statuses.items() if status != "200")
    return others + measured.broken + records


if __name__ == "__main__":
    sys.exit(main())
