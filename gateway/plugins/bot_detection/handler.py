# SPDX-License-Identifier: Apache-2.0
"""The access phase of ``bot-detection``: who the client says it is, and whether that may pass."""

from __future__ import annotations

from typing import Any

from gateway.http.generated_responses import error_response
from gateway.http.messages import Request, Response
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.bot_detection.patterns import Patterns, well_known_bots

_REPEATED = "Only one User-Agent header allowed"
_KEPT = 10_000
"""Verdicts at hand, as in Kong; more are worked out again."""
_LONGEST = 1024
"""Bytes of a header whose verdict is kept."""


class BotDetection(Handler):
    """A client without the header passes."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._allow = Patterns(config.allow)
        self._deny = Patterns(config.deny)
        self._bots = well_known_bots()
        self._verdicts: dict[bytes, bool] = {}

    def access(self, request: Request) -> Response | None:
        """Let the client pass or refuse it."""
        values = [value for name, value in request.headers if name == b"user-agent"]
        if not values:
            return None
        if len(values) > 1:
            return error_response(400, _REPEATED, request)
        passes = self._verdicts.get(values[0])
        if passes is None:
            passes = self._judge(values[0])
        return None if passes else error_response(403, "Forbidden", request)

    def _judge(self, value: bytes) -> bool:
        text = value.strip()
        if self._allow.match(text):
            passes = True
        else:
            passes = not self._deny.match(text) and not self._bots.match(text)
        if len(value) <= _LONGEST:
            if len(self._verdicts) >= _KEPT:
                self._verdicts = {}
            self._verdicts[value] = passes
        return passes
