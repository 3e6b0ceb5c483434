# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.commands import status
from gateway.commands.command_line import application
from gateway.commands.local_processes import RECORD
from gateway.errors import KafkaError
from gateway.kafka.admin import TopicInfo
from gateway.process_identity import identify

RELEASE = {"number": 3, "hash": "h3", "created_at": 1, "who": "me", "message": "more routes"}
PLANE = {"id": "i", "hostname": "vm", "connected": True, "config_hash": "h3", "error": None}


class World:
    """What the processes of a stack answer; all listen on one port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self.ready = 200
        self.releases: list[dict[str, Any]] = [RELEASE]
        self.planes: list[dict[str, Any]] = [PLANE]

    def answer(self, path: str, token: str | None) -> tuple[int, Any]:
        if path == "/status/ready":
            return self.ready, {}
        if token != "the-token":
            return 401, {"message": "no"}
        known = {"/releases?size=1": self.releases, "/clustering/data-planes": self.planes}
        return 200, {"data": known[path]}

    def record(self, name: str, *labels: str, alive: bool = True) -> None:
        own = identify(os.getpid())
        assert own is not None
        identity = vars(own) | ({} if alive else {"started": 1})
        ports = dict.fromkeys(labels, self.port)
        (self.folder / name).mkdir(exist_ok=True)
        record = {"identity": identity, "ports": ports}
        (self.folder / name / RECORD).write_text(json.dumps(record))

    @contextmanager
    def running(self) -> Iterator[None]:
        world = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                code, content = world.answer(self.path, self.headers["Kong-Admin-Token"])
                self.send_response(code)
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.port = server.server_port
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            yield
            server.shutdown()
            thread.join()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A stack that is as it should be."""
    monkeypatch.setattr(status, "STATE", tmp_path)
    monkeypatch.setattr("gateway.commands.topic.connection", lambda *_: None)
    monkeypatch.setattr("gateway.kafka.admin.list_topics", lambda _: [TopicInfo("orders", 2)])
    made = World(tmp_path)
    with made.running():
        made.record("kafka", "kafka", "kafka_controller")
        made.record("control-plane", "admin", "cluster", "control_plane_status")
        made.record("data-plane", "proxy", "status")
        (tmp_path / "control-plane" / "admin-token").write_text("the-token")
        yield made


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(application(), ["status", *arguments])
    return done.exit_code, done.output


def survey() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("--json")[1])
    return found


def test_a_sound_stack_at_a_glance(world: World) -> None:
    code, shown = run()
    assert code == 0, shown
    assert f"data-plane     {os.getpid()}" in shown
    assert f"proxy {world.port}, status {world.port}" in shown
    assert "topics       orders (2)" in shown
    assert "release      3, hash h3, more routes" in shown
    assert "data plane   vm (i): connected, serves the newest release" in shown


def test_the_same_as_json(world: World) -> None:
    found = survey()
    assert found["problems"] == []
    assert [(one["name"], one["running"], one["ready"]) for one in found["processes"]] == [
        ("control-plane", True, True),
        ("data-plane", True, True),
        ("kafka", True, None),
    ]
    assert found["topics"] == [{"name": "orders", "partitions": 2}]
    assert found["release"] == RELEASE
    assert found["data_planes"][0]["current"] is True
    assert "the-token" not in json.dumps(found)


def test_a_dead_process_is_a_problem(world: World) -> None:
    world.record("kafka", "kafka", alive=False)
    assert run()[0] == 1
    found = survey()
    assert found["problems"] == ["kafka does not run; run `make up`"]
    assert found["topics"] is None


def test_a_process_that_is_not_ready_is_a_problem(world: World) -> None:
    world.ready = 503
    said = survey()["problems"]
    assert "data-plane is not ready; see `kafka-gateway logs data-plane`" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"connected": False}, "no connected data plane serves the newest release"),
        ({"config_hash": "h2"}, "no connected data plane serves the newest release"),
    ],
)
def test_a_data_plane_that_lags_is_a_problem(
    world: World, change: dict[str, Any], said: str
) -> None:
    world.planes = [PLANE | change]
    assert survey()["problems"] == [said]


def test_an_admin_api_that_refuses_is_a_problem(world: World) -> None:
    (world.folder / "control-plane" / "admin-token").unlink()
    found = survey()
    assert found["problems"] == ["the control plane's Admin API does not answer"]
    assert found["release"] is None


def test_a_kafka_that_does_not_answer_is_a_problem(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise KafkaError("cannot list topics at 127.0.0.1:9092: no response")

    monkeypatch.setattr("gateway.kafka.admin.list_topics", refuse)
    assert survey()["problems"] == ["cannot list topics at 127.0.0.1:9092: no response"]


def test_without_a_stack_the_command_that_makes_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "STATE", tmp_path / "none")
    code, shown = run()
    assert code == 1
    assert "the stack local is not up; run `make up`" in shown


def test_nothing_that_a_data_plane_says_of_itself_steers_the_terminal(world: World) -> None:
    world.planes = [PLANE | {"hostname": "\x1b[2Jvm\n", "error": "no\x07"}]
    shown = run()[1]
    assert r"data plane   \x1b[2Jvm\n (i):" in shown
    assert r"no\x07" in shown
