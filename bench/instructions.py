# SPDX-License-Identifier: Apache-2.0
"""Instructions per request, counted by valgrind: the same on a busy machine as on a quiet one.

``python -m bench.instructions`` counts each case of ``in_process`` and compares with
``bench/instructions.json``; more than 5 % above what stands there is an error. ``--record`` writes
the file anew. What a request costs is the difference between two runs of which one only makes the
requests, so that start, compiling and the making fall out.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.in_process import CASES
from gateway import native

RECORDED = Path(__file__).with_name("instructions.json")
TOLERANCE = 0.05
_COUNT = 1000
_TOTAL = re.compile(r"Collected : (\d+)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Count and compare, or record; 1 when a case takes more than it did."""
    parser = argparse.ArgumentParser(prog="python -m bench.instructions", description=__doc__)
    parser.add_argument("--record", action="store_true", help="write what was counted")
    record = parser.parse_args(arguments).record
    if shutil.which("valgrind") is None:
        print("valgrind is not on PATH: instructions are not counted", file=sys.stderr)
        return 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counted = dict(zip(CASES, pool.map(per_request, CASES), strict=True))
    known = json.loads(RECORDED.read_text()) if RECORDED.is_file() else {}
    kind = "with native twins" if native.version else "python"
    before = known.get(kind, {})
    print(kind)
    for line in report(counted, before):
        print(line)
    if record:
        RECORDED.write_text(json.dumps({**known, kind: counted}, indent=1) + "\n")
        return 0
    return 1 if grown(counted, before) else 0


def report(counted: dict[str, int], before: dict[str, int]) -> list[str]:
    """Return a line for each case: what it takes, and how that is to what was recorded."""
    lines = []
    for case, count in counted.items():
        known = before.get(case)
        change = f" {count / known - 1:+7.1%}" if known else ""
        lines.append(f"{case:20} {count:9,}{change}")
    return lines


def grown(counted: dict[str, int], before: dict[str, int]) -> list[str]:
    """Return the cases that take more than was recorded, by more than the tolerance."""
    limit = 1 + TOLERANCE
    return [case for case, count in counted.items() if count > before.get(case, count) * limit]


def per_request(case: str) -> int:
    """Return the instructions of one request of a case."""
    return round((_total(case) - _total(case, "idle")) / _COUNT)


def _total(case: str, *more: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        out = f"--callgrind-out-file={folder}/out"
        command = ["valgrind", "--tool=callgrind", out, sys.executable, "-m", "bench.in_process"]
        done = subprocess.run(
            [*command, case, str(_COUNT), *more],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
    found = _TOTAL.search(done.stderr)
    if done.returncode or found is None:
        raise RuntimeError(f"valgrind failed on {case}: {done.stderr[-2000:]}")
    return int(found[1])


if __name__ == "__main__":
    sys.exit(main())
