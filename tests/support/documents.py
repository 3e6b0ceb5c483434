# SPDX-License-Identifier: Apache-2.0
"""Keyed documents for tests: the story's, fresh each time."""

from __future__ import annotations

from typing import Any

PLUGIN = 'services["httpbinservice"].routes["httpbinroute"].plugins["kafka-upstream"]'
"""Path of the story's plugin."""


def story() -> dict[str, Any]:
    """Return the story's service, route and plugin with few values set."""
    plugin = {
        "config": {
            "topic": "topictest",
            "bootstrap_servers": [{"host": "localhost", "port": 9092}],
            "forward_headers": True,
            "forward_body": False,
            "producer_async": False,
        }
    }
    route = {"paths": ["/httpbin"], "plugins": {"kafka-upstream": plugin}}
    service = {"url": "http://httpbin.org", "routes": {"httpbinroute": route}}
    return {"services": {"httpbinservice": service}}


def plugin_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return the story's plugin in a document, to be changed in place."""
    routes = document["services"]["httpbinservice"]["routes"]
    found: dict[str, Any] = routes["httpbinroute"]["plugins"]["kafka-upstream"]
    return found


def with_topic(topic: str) -> dict[str, Any]:
    """Return the story with another topic."""
    document = story()
    plugin_of(document)["config"]["topic"] = topic
    return document
