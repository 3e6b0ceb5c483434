# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from gateway import probe


class StatusApi(http.server.BaseHTTPRequestHandler):
    """Responds as the status API does, and remembers what it was sent."""

    seen: list[tuple[str, str, bytes]] = []
    ready = 200

    def do_GET(self) -> None:
        self._answer(self.ready if self.path.endswith("ready") else 200, b"")

    def do_POST(self) -> None:
        self._answer(204, self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, status: int, body: bytes) -> None:
        self.seen.append((self.command, self.path, body))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Stay quiet."""


@pytest.fixture
def status_api(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[StatusApi]]:
    with http.server.HTTPServer(("127.0.0.1", 0), StatusApi) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("KONG_STATUS_LISTEN", f"0.0.0.0:{server.server_port}")
        monkeypatch.setattr(StatusApi, "seen", [])
        monkeypatch.setattr(StatusApi, "ready", 200)
        yield StatusApi
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("", ("127.0.0.1", 8100)),
        ("off", ("127.0.0.1", 8100)),
        ("0.0.0.0:8100", ("127.0.0.1", 8100)),
        ("127.0.0.1:8007 reuseport, 0.0.0.0:9 ssl", ("127.0.0.1", 8007)),
        ("[::]:8100", ("::1", 8100)),
        ("10.1.2.3:1", ("10.1.2.3", 1)),
    ],
)
def test_the_status_api_is_asked_where_the_settings_put_it(
    listen: str, address: tuple[str, int]
) -> None:
    assert probe.status_address({"KONG_STATUS_LISTEN": listen}) == address


def test_live_and_ready_are_the_exit_code(status_api: type[StatusApi]) -> None:
    assert probe.main(["live"]) == 0
    assert probe.main(["ready"]) == 0
    status_api.ready = 503
    assert probe.main(["ready"]) == 1
    assert probe.main(["live"]) == 0


def test_drain_turns_readiness_off(status_api: type[StatusApi]) -> None:
    assert probe.main(["drain", "--wait", "0"]) == 0
    assert status_api.seen == [("POST", "/status/ready", b'{"status":"draining"}')]


def test_a_node_that_does_not_answer_is_not_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KONG_STATUS_LISTEN", "127.0.0.1:1")
    assert probe.main(["live"]) == 1
