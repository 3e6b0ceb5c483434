# SPDX-License-Identifier: Apache-2.0
"""What the gateway speaks to besides Kafka: upstream, OpenID provider, sinks of logs and spans.

Answers 200 to whatever is asked. ``BENCH_PUBLISHED`` (JSON) says what stands under which path.
"""

from __future__ import annotations

import argparse
import json
import os

import uvloop

from bench.subjects.floor import NOT_FOUND, Floor, serve

_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: keep-alive\r\n"
    b"Content-Length: %d\r\n\r\n%b"
)


class Upstream(Floor):
    """Answers with what is published, else with the same each time."""

    answer = NOT_FOUND.replace(b"404 Not Found", b"200 OK")
    published: dict[bytes, bytes]

    def on_message_complete(self) -> None:
        self.transport.write(self.published.get(self.url, self.answer))


def publish(documents: dict[str, object]) -> dict[bytes, bytes]:
    """Return responses by path."""
    bodies = {path.encode(): json.dumps(found).encode() for path, found in documents.items()}
    return {path: _HEAD % (len(body), body) for path, body in bodies.items()}


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    Upstream.published = publish(json.loads(os.environ["BENCH_PUBLISHED"]))
    uvloop.run(serve(options.parse_args().port, Upstream))
