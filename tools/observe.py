# SPDX-License-Identifier: Apache-2.0
"""Watch the stack `local`: a Prometheus with the project's alerts, and files for a Grafana.

``make observe`` starts it beside the stack, ``make down`` takes it away. Nothing is downloaded: the
Prometheus is the one on PATH (Debian's package is called so), and Grafana is whose has one.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from gateway.commands.local_processes import STATE, LocalProcess, local_processes
from gateway.errors import ResourceError
from provider.local.process import (
    ProcessRecord,
    ProcessSpec,
    digest_of,
    last_lines,
    load_record,
    start,
    stop,
)
from provider.local.readiness import wait_ready

ROOT = Path(__file__).resolve().parent.parent
OBSERVABILITY = ROOT / "observability"
FOLDER = ROOT / ".state" / "observe"
PORT = 9090
_JOBS = {"status": "data-plane", "control_plane_status": "control-plane"}
"""The label of a status port to the job under which it is scraped."""
_START, _STOP = 30.0, 10.0
"""Seconds."""
_MISSING = (
    "prometheus is not on PATH, so nothing was started: apt-get install prometheus, and again. "
    "A Prometheus elsewhere may be given this file:"
)
_NOT_RUNNING = "the stack `local` does not run, so there is nothing to watch: make up"


def targets(processes: Sequence[LocalProcess]) -> dict[str, str]:
    """Return what is scraped of the processes that run: address by job."""
    return {
        job: f"127.0.0.1:{one.ports[label]}"
        for label, job in _JOBS.items()
        for one in processes
        if one.is_running and label in one.ports
    }


def prometheus_settings(scraped: dict[str, str]) -> dict[str, object]:
    """Return what Prometheus reads; JSON is YAML as well."""
    return {
        "global": {"scrape_interval": "5s", "evaluation_interval": "5s"},
        "rule_files": [str(OBSERVABILITY / "alerts.yaml")],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [address]}]}
            for job, address in scraped.items()
        ],
    }


def write_files(folder: Path, scraped: dict[str, str], port: int) -> None:
    """Write the settings of Prometheus, and Grafana's provisioning (its manual's page of that)."""
    source = {
        "name": "kafka-gateway",
        "type": "prometheus",
        "url": f"http://127.0.0.1:{port}",
        "isDefault": True,
    }
    dashboards = {
        "name": "kafka-gateway",
        "type": "file",
        "options": {"path": str(OBSERVABILITY / "dashboards")},
    }
    files = {
        "prometheus.yml": prometheus_settings(scraped),
        "grafana/datasources/kafka-gateway.yaml": {"apiVersion": 1, "datasources": [source]},
        "grafana/dashboards/kafka-gateway.yaml": {"apiVersion": 1, "providers": [dashboards]},
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + "\n")


def observe(state: Path, folder: Path, port: int) -> list[str]:
    """Start it, or again with what runs now; return what to say.

    Raises ``ResourceError`` where there is nothing to watch, or Prometheus does not start.
    """
    scraped = targets(local_processes(state))
    if not scraped:
        raise ResourceError(_NOT_RUNNING)
    end(folder)
    write_files(folder, scraped, port)
    grafana = f"grafana     provisioning in {folder / 'grafana'} (GF_PATHS_PROVISIONING)"
    found = shutil.which("prometheus")
    if found is None:
        return [f"{_MISSING} {folder / 'prometheus.yml'}", grafana]
    command = (
        found,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=6h",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    )
    log = folder / "prometheus.log"
    spec = ProcessSpec(command, {}, folder, log, digest_of(command))
    _await(start(spec, ports={"prometheus": port}), port, log)
    watched = ", ".join(f"{job} at {address}" for job, address in scraped.items())
    return [f"prometheus  http://127.0.0.1:{port}/alerts watches {watched}", grafana]


def _await(record: ProcessRecord, port: int, log: Path) -> None:
    """Wait until it responds; raises ``ResourceError`` with its last words where it does not."""
    url = f"http://127.0.0.1:{port}/-/ready"
    ready = {"kind": "http", "url": url, "timeoutSeconds": _START}
    problem = wait_ready(ready, record.is_running, threading.Event())
    # Who responds may be another one, which has the port.
    if problem is None and record.is_running():
        return
    raise ResourceError(f"prometheus: {problem or 'it ended'}: {' '.join(last_lines(log, 2))}")


def end(folder: Path) -> None:
    """Stop what runs, and remove its files; nothing is fine too."""
    record = load_record(folder)
    if record is not None:
        stop(record, _STOP)
    shutil.rmtree(folder, ignore_errors=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Start or stop; 1 with the reason where it cannot be."""
    parser = argparse.ArgumentParser(prog="python -m tools.observe", description=__doc__)
    parser.add_argument("--stop", action="store_true", help="end it and remove its files")
    parser.add_argument("--port", type=int, default=PORT, help="of Prometheus, on loopback")
    chosen = parser.parse_args(arguments)
    try:
        said = [] if chosen.stop else observe(STATE, FOLDER, chosen.port)
        if chosen.stop:
            end(FOLDER)
    except ResourceError as error:
        print(error, file=sys.stderr)
        return 1
    for line in said:
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
