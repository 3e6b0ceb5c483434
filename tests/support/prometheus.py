# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus that scrapes real processes, and the queries of dashboards and alerts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.support.ports import free_ports
from tests.support.traffic import succeeds
from tests.support.waiting import PATIENCE, eventually

ROOT = Path(__file__).resolve().parents[2]
OBSERVABILITY = ROOT / "observability"
ALERTS = OBSERVABILITY / "alerts.yaml"
DASHBOARDS = sorted((OBSERVABILITY / "dashboards").glob("*.json"))
_LEGEND = re.compile(r"\{\{(\w+)\}\}")
_THRESHOLD = re.compile(r"\s(?:==|!=|>=|<=|>|<)\s+-?[\d.]+")
_LABEL_VALUES = re.compile(r"label_values\((.+), (\w+)\)")


class Query(NamedTuple):
    """What a panel, a variable or a rule asks, and the labels that its legend names."""

    where: str
    text: str
    labels: tuple[str, ...] = ()


def program(name: str) -> str:
    """Return the path of ``prometheus`` or ``promtool``; skip the test where there is none."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: apt-get install prometheus")
    return found


def dashboard(path: Path) -> dict[str, Any]:
    """Return a dashboard's JSON."""
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def rules() -> list[dict[str, Any]]:
    """Return all rules of the file of alerts."""
    return [
        rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
    ]


def alerts() -> list[dict[str, Any]]:
    """Return the rules that are alerts."""
    return [rule for rule in rules() if "alert" in rule]


def queries_of_dashboards() -> Iterator[Query]:
    """Return what all panels and variables ask, for a whole machine."""
    for path in DASHBOARDS:
        found = dashboard(path)
        for panel in found["panels"]:
            for target in panel.get("targets", ()):
                where = f"{path.name}: {panel['title']} {target['refId']}"
                legend = tuple(_LEGEND.findall(target["legendFormat"]))
                renamed = panel.get("transformations", [{}])[0].get("options", {})
                columns = [name for name in renamed.get("renameByName", ()) if name != "Value"]
                yield Query(where, _filled_in(target["expr"]), (*legend, *columns))
        for variable in found["templating"]["list"]:
            if variable["type"] == "query":
                match = _LABEL_VALUES.fullmatch(variable["query"]["query"])
                assert match is not None, variable
                where = f"{path.name}: ${variable['name']}"
                yield Query(where, _filled_in(match[1]), (match[2],))


def queries_of_alerts() -> Iterator[Query]:
    """Return what all rules ask, without the thresholds: what is compared must be there."""
    for rule in rules():
        where = rule.get("alert") or rule["record"]
        yield Query(where, _THRESHOLD.sub("", rule["expr"]))


def _filled_in(text: str) -> str:
    """Return a query as Grafana asks it for all of everything.

    A figure that is 0 where its series are not there yet must have them here.
    """
    text = re.sub(r"\$\w+_interval|\$\{?__rate_interval\}?", "15s", text)
    return re.sub(r"\$(?!_)\w+", ".*", text).replace(" or vector(0)", "")


class Prometheus:
    """A running Prometheus."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str, **values: str) -> Any:
        """Ask its API; return ``data``. Raises ``AssertionError`` with what it says."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(values)}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as response:
            body = json.load(response)
        assert body["status"] == "success", body
        return body["data"]

    def query(self, text: str) -> list[dict[str, Any]]:
        """Return the series of an instant query that have a number as value."""
        found = self.get("query", query=text)["result"]
        return [one for one in found if one["value"][1] != "NaN"]


@contextmanager
def running_prometheus(folder: Path, jobs: Mapping[str, int]) -> Iterator[Prometheus]:
    """Run one that scrapes the port of each job every second, with the alerts as its rules."""
    (port,) = free_ports(1)
    scraped = [
        {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{where}"]}]}
        for job, where in jobs.items()
    ]
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ALERTS)],
        "scrape_configs": scraped,
    }
    (folder / "prometheus.yml").write_text(json.dumps(configuration))
    command = [
        program("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        found = Prometheus(port)
        eventually(lambda: succeeds(port, "/-/ready"))
        yield found
    finally:
        process.kill()
        process.wait(PATIENCE)
