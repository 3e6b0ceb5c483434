# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.process_identity import identify
from provider.local import process
from provider.values import UNKNOWN, Properties
from tests.support import small_server
from tests.support.ports import free_ports
from tests.support.processes import alive, children_of, kill
from tests.support.provider import CallError, Harness
from tests.support.waiting import PATIENCE, eventually

TOKEN = "gateway:local:Process"
SERVER = str(Path(small_server.__file__))


class Server:
    """A process resource that runs the small server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_ports(1)[0]
        self.harness = Harness(TOKEN, "server")

    def inputs(self, **more: Any) -> Properties:
        given: Properties = {
            "name": "server",
            "directory": str(self.folder),
            "command": [sys.executable, "-P", SERVER, str(self.port), "content"],
            "environment": {"ROLE": "test"},
            "files": {"content": "one"},
            "ports": {"http": self.port},
            "portKeys": {"http": "kafka-gateway:ports.http"},
            "ready": {"kind": "http", "url": self.url, "timeoutSeconds": 10},
            "stopTimeoutSeconds": 5,
        }
        return given | more

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def pid(self) -> int:
        return int(self.harness.outputs["pid"])

    def ask(self) -> dict[str, Any]:
        with urllib.request.urlopen(self.url, timeout=PATIENCE) as answer:
            content: dict[str, Any] = json.load(answer)
            return content


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "server")
    yield made
    record = process.load_record(made.folder)
    if record is not None:
        process.stop(record, 0)


def test_it_is_started_detached_and_recorded(server: Server) -> None:
    made = server.harness.create(server.inputs())
    assert server.ask() == {"content": "one", "pid": made["pid"]}
    assert os.getsid(made["pid"]) == made["pid"]
    assert identify(made["pid"]) is not None
    assert Path(made["logFile"]).read_text() == "serving as test\n"
    assert (server.folder / "content").stat().st_mode & 0o777 == 0o600
    assert ("files", "content") in server.harness.secrets
    assert server.harness.diff() == {}


def test_what_the_plugin_is_started_with_does_not_reach_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "planted")
    made = server.harness.create(server.inputs())
    assert b"planted" not in Path(f"/proc/{made['pid']}/environ").read_bytes()


def test_a_dead_process_is_a_change_and_is_started_again(server: Server) -> None:
    server.harness.create(server.inputs())
    before = server.pid
    kill(before)
    assert eventually(server.harness.diff) == {"running": "ADD"}
    server.harness.update(server.inputs())
    assert server.ask()["pid"] == server.pid != before
    assert server.harness.diff() == {}


def test_workers_whose_parent_was_killed_are_stopped(server: Server) -> None:
    server.harness.create(server.inputs())
    worker = eventually(lambda: children_of(server.pid))[0]
    kill(server.pid)
    server.harness.delete()
    assert not alive(worker)


def test_another_command_restarts_it_and_rotates_its_log(server: Server) -> None:
    server.harness.create(server.inputs())
    before = server.pid
    news = server.inputs(environment={"ROLE": "other"})
    assert server.harness.diff(server.harness.check(news)) == {"environment.ROLE": "UPDATE"}
    preview = server.harness.update(news, preview=True)
    assert (preview["pid"], preview["running"]) == (UNKNOWN, True)
    assert server.pid == before
    server.harness.update(news)
    assert server.ask()["pid"] == server.pid != before
    log = Path(server.harness.outputs["logFile"])
    assert log.read_text() == "serving as other\n"
    assert log.with_name("server.log.1").read_text() == "serving as test\n"


def test_a_new_digest_restarts_it(server: Server) -> None:
    server.harness.create(server.inputs(digest="a"))
    before = server.pid
    server.harness.update(server.inputs(digest="b"))
    assert server.pid != before


def test_a_file_to_reload_needs_no_restart(server: Server) -> None:
    server.harness.create(server.inputs(reloadOn=["content"]))
    before = server.pid
    news = server.inputs(reloadOn=["content"], files={"content": "two"})
    assert server.harness.diff(server.harness.check(news)) == {"files.content": "UPDATE"}
    server.harness.update(news)
    assert server.pid == before
    eventually(lambda: server.ask()["content"] == "two")
    assert server.harness.diff() == {}


def test_how_to_look_after_it_is_only_noted(server: Server) -> None:
    server.harness.create(server.inputs())
    before = server.pid
    server.harness.update(server.inputs(stopTimeoutSeconds=6))
    assert server.pid == before
    assert server.harness.diff() == {}


def test_a_file_changed_by_hand_is_put_right(server: Server) -> None:
    server.harness.create(server.inputs())
    (server.folder / "content").write_text("tampered")
    assert server.harness.diff() == {"files.content": "UPDATE"}
    server.harness.update(server.inputs())
    assert (server.folder / "content").read_text() == "one"


def test_an_interrupted_create_is_adopted(server: Server) -> None:
    server.harness.create(server.inputs())
    again = Harness(TOKEN, "server")
    assert again.create(server.inputs())["pid"] == server.pid
    assert again.id == server.harness.id


def test_an_interrupted_update_is_seen_and_finished(server: Server) -> None:
    server.harness.create(server.inputs())
    recorded = server.harness.inputs, server.harness.outputs
    server.harness.update(server.inputs(environment={"ROLE": "other"}))
    server.harness.inputs, server.harness.outputs = recorded
    assert server.harness.diff() == {"running": "ADD"}


def test_a_record_of_another_process_is_stale(server: Server) -> None:
    server.harness.create(server.inputs())
    record = json.loads((server.folder / process.RECORD).read_text())
    process.stop(process.load_record(server.folder), 5)  # type: ignore[arg-type] # is there
    ours = identify(os.getpid())
    assert ours is not None
    record["identity"]["pid"] = ours.pid
    (server.folder / process.RECORD).write_text(json.dumps(record))
    assert server.harness.diff() == {"running": "ADD"}
    server.harness.delete()
    assert alive(os.getpid())


def test_after_a_reboot_it_is_started_again(server: Server) -> None:
    server.harness.create(server.inputs())
    # Its worker as well, which nobody would find by a record of an earlier boot.
    kill(server.pid, *children_of(server.pid))
    record = json.loads((server.folder / process.RECORD).read_text())
    record["identity"]["boot"] = "an earlier one"
    (server.folder / process.RECORD).write_text(json.dumps(record))
    assert server.harness.diff() == {"running": "ADD"}


def test_a_port_that_another_process_holds_is_an_error_that_names_it_and_the_key(
    server: Server,
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", server.port))
        other.listen()
        failures = server.harness.failures(server.inputs())
    assert failures == {
        "ports.http": (
            f"port {server.port} is taken by process {os.getpid()} "
            f"({_own_command()}); stop it, or set another port with "
            "`pulumi config set kafka-gateway:ports.http`"
        )
    }


def _own_command() -> str:
    return Path(Path("/proc/self/cmdline").read_bytes().split(b"\0")[0].decode()).name


def test_a_port_that_it_holds_itself_is_not_taken(server: Server) -> None:
    server.harness.create(server.inputs())
    assert server.harness.failures(server.inputs()) == {}
    assert Harness(TOKEN, "server").failures(server.inputs()) == {}


def test_one_that_does_not_become_ready_is_recorded_with_the_reason(server: Server) -> None:
    server.folder.mkdir()
    (server.folder / "broken").touch()
    ready = {"kind": "http", "url": server.url, "timeoutSeconds": 1}
    with pytest.raises(CallError) as caught:
        server.harness.create(server.inputs(ready=ready))
    assert "not ready after 1 s" in caught.value.text
    assert "answers 503: waiting for something" in caught.value.text
    assert "serving as test" in caught.value.text
    assert caught.value.init_failed.id == "project/test/server"


def test_one_that_dies_fails_at_once_with_its_last_lines_but_no_secret(server: Server) -> None:
    script = "import sys; print('cannot use', open('content').read()); sys.exit(3)"
    inputs = server.inputs(
        command=[sys.executable, "-c", script],
        files={"content": "PASSWORD=hunter2hunter2\n"},
        ready={"kind": "http", "url": server.url, "timeoutSeconds": 60},
    )
    with pytest.raises(CallError) as caught:
        server.harness.create(inputs)
    assert "it ended before it was ready" in caught.value.text
    assert "cannot use" in caught.value.text
    assert "hunter2" not in caught.value.text


def test_a_program_that_is_not_there_is_named(server: Server) -> None:
    with pytest.raises(CallError, match="cannot start /no/such/program"):
        server.harness.create(server.inputs(command=["/no/such/program"]))


def test_deleting_it_leaves_its_data_but_no_files_of_ours(server: Server) -> None:
    server.harness.create(server.inputs())
    (server.folder / "data").touch()
    pid = server.pid
    server.harness.delete()
    assert not alive(pid)
    assert sorted(path.name for path in server.folder.iterdir()) == ["data", "server.log"]
    server.harness.delete()


def test_its_directory_goes_when_asked_for(server: Server) -> None:
    server.harness.create(server.inputs(removeDirectory=True))
    server.harness.delete()
    assert not server.folder.exists()


def test_deleting_a_dead_one_is_quiet(server: Server) -> None:
    server.harness.create(server.inputs())
    kill(server.pid)
    server.harness.delete()
    assert server.harness.lines.shown == []


def test_one_that_ignores_sigterm_is_killed(server: Server) -> None:
    script = (
        "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('on', flush=True); [signal.pause() for _ in iter(int, 1)]"
    )
    server.harness.create(
        server.inputs(command=[sys.executable, "-c", script], ready=None, stopTimeoutSeconds=0)
    )
    pid = server.pid
    eventually(lambda: Path(server.harness.outputs["logFile"]).read_text() == "on\n")
    server.harness.delete()
    assert not alive(pid)


def test_it_moves_to_another_directory(server: Server, tmp_path: Path) -> None:
    server.harness.create(server.inputs())
    old = server.pid
    server.folder = tmp_path / "elsewhere"
    server.harness.update(server.inputs())
    assert not alive(old)
    assert server.ask()["pid"] == server.pid
    assert not (tmp_path / "server" / "content").exists()


def test_a_refresh_shows_whether_it_runs(server: Server) -> None:
    server.harness.create(server.inputs())
    assert server.harness.read()[2]["running"] is True
    kill(server.pid)
    eventually(lambda: not alive(server.pid))
    identity, inputs, outputs = server.harness.read()
    assert (identity, inputs["running"], outputs["running"]) == (server.harness.id, False, False)


def test_unknown_values_are_accepted_at_preview(server: Server) -> None:
    unknown = server.inputs(files={"content": UNKNOWN}, ports=UNKNOWN, environment=UNKNOWN)
    made = server.harness.create(unknown, preview=True)
    assert made["pid"] == UNKNOWN
    assert not server.folder.exists()
    server.harness.create(server.inputs())
    assert server.harness.diff(server.harness.check(unknown)) != {}
    server.harness.update(unknown, preview=True)


def test_inputs_that_contradict_each_other_are_refused(server: Server) -> None:
    wrong = server.inputs(directory="state", ready={"kind": "tcp"}, files={"../x": ""})
    assert server.harness.failures(wrong) == {
        "directory": "should be an absolute path",
        "ready.port": "is required for kind tcp",
        'files["../x"]': "should be a path below the directory",
    }


def test_a_cancelled_operation_does_not_wait(server: Server) -> None:
    server.harness.cancel()
    server.folder.mkdir()
    (server.folder / "broken").touch()
    with pytest.raises(CallError, match="cancelled"):
        server.harness.create(server.inputs())


def test_a_tcp_port_is_waited_for(server: Server) -> None:
    server.harness.create(server.inputs(ready={"kind": "tcp", "port": server.port}))
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.port), 1)):
        pass


def test_the_directory_of_another_stack_is_left_alone(server: Server) -> None:
    server.harness.create(server.inputs())
    other = Harness(TOKEN, "server", stack="other")
    port = free_ports(1)[0]
    wanted = server.inputs(ports={"http": port}, ready=None)
    refused = other.failures(wanted)["directory"]
    assert f"{server.folder} is that of the stack project/test, whose process" in refused
    assert "take that stack down" in refused
    kill(server.pid)
    record = process.load_record(server.folder)
    assert record is not None
    eventually(lambda: not record.is_running())
    assert other.failures(wanted)["directory"].endswith("or remove the directory")
    server.harness.update(server.inputs())
    assert server.ask()


def test_a_stack_that_was_renamed_keeps_its_process(server: Server) -> None:
    server.harness.create(server.inputs())
    pid = server.pid
    former, renamed = server.harness, Harness(TOKEN, "server", stack="renamed")
    renamed.id, renamed.inputs, renamed.outputs = former.id, former.inputs, former.outputs
    server.harness = renamed
    renamed.update(server.inputs())
    assert server.pid == pid
    server.harness.delete()
    assert not alive(pid)
    Harness(TOKEN, "server", stack="other").check(server.inputs())
