# SPDX-License-Identifier: Apache-2.0
"""``python -m bench [--quick] [--only TEXT]``: measure everything, write ``bench/results/``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

from bench.cases import FULL, QUICK, Case, Pace, all_cases, quick_cases
from bench.measurements import Results
from bench.plot import svg
from bench.report import markdown, table, verdicts
from bench.stage import Measured, Stage, stage

RESULTS = Path(__file__).parent / "results"
_COMPARED = ("kafka-gateway", "confluent-kafka", "mq-bridge", "aiokafka", "fastapi", "uvicorn")


def main(arguments: list[str]) -> int:
    """Run, print, write; returns 1 when a run failed or a record was lost or duplicated."""
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument("--quick", action="store_true", help="the ratios, in under three minutes")
    options.add_argument("--only", default="", help="only cases with this text in their name")
    options.add_argument("--tls", action="store_true", help="speak TLS to the broker")
    given = options.parse_args(arguments)
    chosen = quick_cases() if given.quick else all_cases()
    cases = [case for case in chosen if given.only in case.name]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kafka-gateway-bench-") as folder:
        results = run(Path(folder), cases, QUICK if given.quick else FULL, tls=given.tls)
    machine = _machine(given.quick, given.tls, time.monotonic() - began)
    print("\n" + table(results) + "\n")
    print("\n".join(verdicts(results)))
    write(results, machine)
    bad = any(sum(results.records(s)[1:]) for s in ("gateway",))
    return 1 if results.failures or bad else 0


def run(folder: Path, cases: list[Case], pace: Pace, *, tls: bool = False) -> Results:
    """Measure all cases; servers, and cases that go together, take turns."""
    results = Results()
    with stage(folder, cases, tls=tls) as servers:
        if any(case.produces for case in cases):
            servers.warm_up(pace.warming)
        for group in _groups(cases):
            for number in range(pace.rounds):
                for case in group:
                    for subject in case.subjects:
                        _measure(servers, results, case, subject, pace, number)
    return results


def _groups(cases: list[Case]) -> list[list[Case]]:
    return [list(group) for _, group in groupby(cases, key=lambda one: one.together or one.name)]


def _measure(
    servers: Stage, results: Results, case: Case, subject: str, pace: Pace, number: int
) -> None:
    try:
        measured = servers.measure(case, subject, pace)
    except (RuntimeError, OSError) as error:
        results.failures.append(f"{case.name}, {subject}: {error}")
        print(f"{case.name}, {subject}: {error}", file=sys.stderr, flush=True)
        return
    results.add(case.name, subject, measured)
    results.failures.extend(_problems(case, subject, measured))
    line = f"{case.name:36} {subject:20} round {number + 1}  {measured.per_second:9,.0f}/s"
    print(f"{line}  {measured.cpu:6.1f} µs  p99 {measured.percentiles['p99']} ms", flush=True)


def _problems(case: Case, subject: str, measured: Measured) -> list[str]:
    usual = (case.status, case.refusal)
    other = {status: n for status, n in measured.statuses.items() if status not in usual}
    # mq-bridge acknowledges with a 2xx of its own choice.
    other = {status: n for status, n in other.items() if not (case.produces and status[0] == "2")}
    problems = [f"{case.name}, {subject}: answers {other}"] if other else []
    if measured.broken:
        problems.append(f"{case.name}, {subject}: {measured.broken} requests without an answer")
    return problems


def _machine(quick: bool, tls: bool, seconds: float) -> dict[str, Any]:
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "mode": "quick" if quick else "full",
        "broker": "SASL_SSL" if tls else "SASL_PLAINTEXT",
        "seconds": round(seconds),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        **{name: version(name) for name in _COMPARED},
    }


def write(results: Results, machine: dict[str, Any]) -> None:
    """Write the JSON, Markdown and SVG files."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(results.as_json(machine), indent=1, ensure_ascii=False)
    (RESULTS / "latest.json").write_text(text + "\n", encoding="utf-8")
    (RESULTS / "latest.md").write_text(markdown(results, machine), encoding="utf-8")
    (RESULTS / "latest.svg").write_text(svg(results), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
