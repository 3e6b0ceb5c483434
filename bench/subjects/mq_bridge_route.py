# SPDX-License-Identifier: Apache-2.0
"""mq-bridge: a Rust bridge with Python bindings; its route from HTTP to Kafka, no Python in it."""

from __future__ import annotations

import argparse
import json
import logging
import os
from typing import Any

from mq_bridge import Route, init_logging


def route(port: int, given: dict[str, Any]) -> dict[str, Any]:
    """Return its configuration, with the limits raised that would cap the connections."""
    client = given["client"]
    tls = client["security.protocol"] == "SASL_SSL"
    return {
        "input": {
            "http": {
                "url": f"127.0.0.1:{port}",
                "path": "/sync",
                "concurrency_limit": 1024,
                "internal_buffer_size": 4096,
            }
        },
        "output": {
            "kafka": {
                "url": client["bootstrap.servers"],
                "topic": given["topic"],
                "username": client["sasl.username"],
                "password": client["sasl.password"],
                "tls": {"required": True, "ca_file": client["ssl.ca.location"]} if tls else {},
                "create_topic": False,
                "producer_options": [
                    ["acks", "all"],
                    ["linger.ms", "1"],
                    # As the others write: its own default is lz4.
                    ["compression.type", "none"],
                    ["security.protocol", client["security.protocol"]],
                    ["sasl.mechanism", client["sasl.mechanism"]],
                ],
            }
        },
        "batch_size": 512,
        "concurrency": int(os.environ.get("BENCH_MQ_CONCURRENCY", "4")),
    }


if __name__ == "__main__":
    logging.basicConfig()
    init_logging()
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    Route.from_config(route(options.parse_args().port, json.loads(os.environ["BENCH_KAFKA"]))).run()
