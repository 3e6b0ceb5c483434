# SPDX-License-Identifier: Apache-2.0
"""A plugin prints its port, serves there, and leaves at once; without its engine: test_parent."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import os
from concurrent import futures
import grpc
from provider.serving import serve_the_engine
server = grpc.server(futures.ThreadPoolExecutor(1))
serve_the_engine(server, os.getppid(), lambda: print("the end", flush=True))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_where_it_says_and_leaves_when_told_to(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as plugin:
        assert plugin.stdout is not None
        port = int(plugin.stdout.readline())
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
        plugin.send_signal(number)
        assert plugin.stdout.read() == "the end\n"
        assert plugin.wait(PATIENCE) == 0
