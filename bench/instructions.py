# SPDX-License-Identifier: Apache-2.0
"""Instructions per request, counted by valgrind: the same on a busy machine as on a quiet one.

``python -m bench.instructions`` counts each case of ``in_process`` and compares with
``bench/instructions.json``; more than 5 % above what stands there is an error. ``--record`` writes
the file anew. Counted is what happens between the first byte of the requests and the last of their
responses, not start, compiling and the making of requests, and not what other threads do.
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
from pathlib import Path

from bench.in_process import CASES, COUNTED
from gateway import native
from gateway.compiled import installed

RECORDED = Path(__file__).with_name("instructions.json")
TOLERANCE = 0.05
_COUNT = 1000
_TOTAL = re.compile(r"^summary: (\d+)$", re.MULTILINE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Count and compare, or record; 1 when a case takes more than it did."""
    parser = argparse.ArgumentParser(prog="python -m bench.instructions", description=__doc__)
    parser.add_argument("--record", action="store_true", help="write what was counted")
    record = parser.parse_args(arguments).record
    if shutil.which("valgrind") is None:
        print("valgrind is not on PATH: instructions are not counted", file=sys.stderr)
        return 0
    counted = per_request(CASES)
    known = json.loads(RECORDED.read_text()) if RECORDED.is_file() else {}
    kind = "with native twins" if native.version else "python"
    if installed() is not None:
        kind = "compiled, " + kind
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


def per_request(cases: Sequence[str]) -> dict[str, int]:
    """Return the instructions of one request of each case."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                *("valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"),
                *(f"--toggle-collect={COUNTED}", f"--dump-after={COUNTED}"),
                *(sys.executable, "-m", "bench.compiled", "bench.in_process", "--counted"),
                *(f"--count={_COUNT}", *cases),
            ],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        files = sorted(Path(folder).glob("out.*"), key=lambda file: int(file.suffix[1:]))
        if done.returncode or len(files) < len(cases):
            raise RuntimeError(f"valgrind failed: {done.stderr[-2000:]}")
        # Those before are of texts that are run while modules are loaded.
        found = [_TOTAL.search(file.read_text()) for file in files[-len(cases) :]]
    return {
        case: round(int(match[1]) / _COUNT)
        for case, match in zip(cases, found, strict=True)
        if match is not None
    }


if __name__ == "__main__":
    sys.exit(main())
