# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from gateway.errors import ResourceError
from gateway.process_identity import identify
from provider.local.process import load_record
from tests.support.ports import free_ports
from tests.support.prometheus import Prometheus, program
from tests.support.traffic import succeeds
from tests.support.waiting import eventually
from tools.observe import OBSERVABILITY, end, observe


def recorded(state: Path, name: str, **ports: int) -> None:
    """Record this very process as one of the stack's."""
    identity = identify(os.getpid())
    assert identity is not None
    (state / name).mkdir(parents=True)
    record = {"identity": asdict(identity), "ports": ports}
    (state / name / "process.json").write_text(json.dumps(record))


class _Metrics(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(b'kafka_gateway_info{version="1"} 1\n')

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


def test_a_prometheus_watches_what_runs_and_goes_without_a_trace(tmp_path: Path) -> None:
    program("prometheus")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Metrics)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    (port,) = free_ports(1)
    state, folder = tmp_path / "state", tmp_path / "observe"
    recorded(state, "data-plane", status=server.server_address[1], proxy=1)
    recorded(state, "kafka", kafka=2)
    try:
        said = observe(state, folder, port)
        assert said[0].startswith(f"prometheus  http://127.0.0.1:{port}/alerts watches data-plane")
        record = load_record(folder)
        assert record is not None
        eventually(lambda: succeeds(port, "/-/ready"))
        asked = Prometheus(port)
        (series,) = eventually(lambda: asked.query("kafka_gateway_info"))
        assert series["metric"]["job"] == "data-plane"
        assert asked.get("rules")["groups"], "the project's rules are read"
        observe(state, folder, port)
        again = load_record(folder)
        assert again is not None
        assert not record.is_running(), "the one before is gone"
        eventually(lambda: succeeds(port, "/-/ready"))
    finally:
        end(folder)
        server.shutdown()
        server.server_close()
        thread.join()
    assert not again.is_running()
    assert not folder.exists()
    end(folder)


def test_a_port_that_is_taken_is_said_by_prometheus(tmp_path: Path) -> None:
    program("prometheus")
    recorded(tmp_path / "state", "data-plane", status=1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ResourceError, match="address already in use"):
            observe(tmp_path / "state", tmp_path / "observe", port)
    end(tmp_path / "observe")


def test_without_a_prometheus_it_says_so_and_leaves_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    recorded(tmp_path / "state", "control-plane", control_plane_status=8101)
    folder = tmp_path / "observe"
    first, second = observe(tmp_path / "state", folder, 9090)
    assert "apt-get install prometheus" in first
    assert str(folder / "prometheus.yml") in first
    assert "GF_PATHS_PROVISIONING" in second
    settings = yaml.safe_load((folder / "prometheus.yml").read_text())
    (job,) = settings["scrape_configs"]
    assert job["job_name"] == "control-plane"
    assert job["static_configs"] == [{"targets": ["127.0.0.1:8101"]}]
    files = (folder / "grafana").rglob("*.yaml")
    found = {path.parent.name: yaml.safe_load(path.read_text()) for path in files}
    (source,) = found["datasources"]["datasources"]
    assert source["url"] == "http://127.0.0.1:9090"
    (boards,) = found["dashboards"]["providers"]
    assert list(Path(boards["options"]["path"]).glob("*.json"))
    assert OBSERVABILITY.is_dir()


def test_where_nothing_runs_there_is_nothing_to_watch(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="make up"):
        observe(tmp_path, tmp_path / "observe", 9090)
    assert not (tmp_path / "observe").exists()
