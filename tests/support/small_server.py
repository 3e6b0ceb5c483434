# SPDX-License-Identifier: Apache-2.0
"""A real process for tests of processes: `python -P small_server.py PORT [FILE]`.

Answers every GET with 200, the content of FILE as it was read at the start or on SIGHUP, and its
pid; with 503 and a message while a file ``broken`` is in its directory. It starts one child that
only waits, as a server starts its workers.
"""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with what the server has read."""

    content = ""

    def do_GET(self) -> None:
        """Tell content and pid."""
        broken = Path("broken").exists()
        body: dict[str, Any] = {"content": Handler.content, "pid": os.getpid()}
        if broken:
            body = {"message": "waiting for something"}
        encoded = json.dumps(body).encode()
        self.send_response(503 if broken else 200)
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Stay quiet."""


def read(*_: object) -> None:
    """Read the file again."""
    Handler.content = Path(sys.argv[2]).read_text() if len(sys.argv) > 2 else ""


def main() -> None:
    """Serve until SIGTERM."""
    read()
    signal.signal(signal.SIGHUP, read)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    # Behind what may fail: it would be left over.
    worker = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])

    def leave(*_: object) -> None:
        worker.terminate()
        worker.wait()
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, leave)
    sys.stdout.write(f"serving as {os.environ.get('ROLE', 'nobody')}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
