# SPDX-License-Identifier: Apache-2.0
"""A handler that overrides nothing lets everything pass."""

from __future__ import annotations

from gateway.http.messages import Response
from gateway.plugins.base import Handler, PluginContext
from tests.support.producing import request


def test_a_handler_changes_nothing_by_itself() -> None:
    handler = Handler(None, PluginContext(None, lambda _: None))  # type: ignore[arg-type]  # unused
    asked, response = request(), Response(200, [], b"x")
    handler.access(asked)
    handler.header_filter(asked, response)
    assert handler.body_filter(asked, response, b"chunk", True) == b"chunk"
    assert (response.status, response.headers, handler.needs_body) == (200, [], False)
