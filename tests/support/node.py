# SPDX-License-Identifier: Apache-2.0
"""A node as a process: ``kafka-gateway run`` on free ports, gone at the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.data_plane.worker.process import NAME
from tests.support.json_lines import lines_of
from tests.support.ports import free_ports
from tests.support.processes import alive, children_of, name_of
from tests.support.traffic import Reply, get
from tests.support.waiting import PATIENCE, eventually


class NodeProcess:
    """A running node. ``settings`` are environment variables; what is not given has test values.

    ``within`` stands before its command.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str],
        arguments: Sequence[str] = (),
        within: Sequence[str] = (),
    ) -> None:
        self.arguments = arguments
        self._within = within
        self.proxy, self.proxy_tls, self.status = free_ports(3)
        self.prefix = folder / "prefix"
        self.log = folder / "node.log"
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.environment = {
            **keep,
            "KONG_DATABASE": "off",
            "KONG_PREFIX": str(self.prefix),
            "KONG_PROXY_LISTEN": f"127.0.0.1:{self.proxy}",
            "KONG_STATUS_LISTEN": f"127.0.0.1:{self.status}",
            "KONG_NGINX_WORKER_PROCESSES": "2",
            "KONG_LOG_LEVEL": "info",
            **settings,
        }
        self.process: subprocess.Popen[bytes]

    def start(self) -> NodeProcess:
        """Start the process."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self._within, sys.executable, "-m", "gateway.cli", "run", *self.arguments],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        return self

    def ready(self) -> NodeProcess:
        """Wait until the node says that it is ready."""
        eventually(lambda: self.asked("/status/ready") == 200)
        return self

    def asked(self, path: str, port: int = 0) -> int:
        """Return the status API's HTTP status, 0 without a response."""
        try:
            return get(port or self.status, path).status
        except OSError:
            return 0

    def get(self, path: str) -> Reply:
        """Ask the proxy."""
        return get(self.proxy, path)

    def json(self, path: str) -> Any:
        """Ask the status API."""
        return json.loads(get(self.status, path).body)

    def workers(self) -> list[int]:
        """Return the workers' process ids."""
        return [pid for pid in children_of(self.process.pid) if name_of(pid) == NAME]

    def signal(self, number: signal.Signals) -> None:
        """Send the master a signal."""
        self.process.send_signal(number)

    def stop(self) -> int:
        """Stop in good order; return the exit code."""
        self.process.terminate()
        return self.process.wait(timeout=PATIENCE)

    def events(self) -> list[str]:
        """Return what the node has logged, oldest first."""
        return [line["event"] for line in self.lines()]

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines of its log, but for those that Python itself has written."""
        return lines_of(self.log)

    def end(self) -> None:
        """Kill what is left, and see that nothing stays."""
        workers = self.workers() if self.process.poll() is None else []
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        eventually(lambda: not [pid for pid in workers if alive(pid)])


@contextmanager
def running_node(folder: Path, *arguments: str, **settings: str) -> Iterator[NodeProcess]:
    """Run a node of its own settings; it is started, not necessarily ready."""
    node = NodeProcess(folder, settings, arguments).start()
    try:
        yield node
    finally:
        node.end()
