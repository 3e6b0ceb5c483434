# SPDX-License-Identifier: Apache-2.0
"""A plugin for tests that answers with its word and notes when it is closed."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from gateway.entities.plugin_types import PluginType
from gateway.errors import ReleaseRefused
from gateway.http.messages import Pending, Request, Response
from gateway.plugins.base import Handler, PluginContext


class Config(BaseModel):
    """Settings of the plugin."""

    model_config = ConfigDict(extra="forbid")
    word: str = "noted"
    broken: bool = False
    later: bool = False


class Noted(Handler):
    """Answers 200 with its word."""

    made: list[Noted] = []

    def __init__(self, config: Config, context: PluginContext) -> None:
        super().__init__(config, context)
        if config.broken:
            raise ReleaseRefused([f"{config.word} is broken"])
        self.closed = 0
        self.waiting: list[Pending] = []
        self.logged: list[int] = []
        self.made.append(self)

    def access(self, request: Request) -> Response | Pending:
        """Answer, now or when the test resolves it."""
        if self.config.later:
            self.waiting.append(Pending())
            return self.waiting[-1]
        return Response(200, [], self.config.word.encode())

    def log(self, request: Request, response: Response) -> None:
        """Note the status."""
        self.logged.append(response.status)

    def close(self) -> None:
        """Note it."""
        self.closed += 1


class Reader(Noted):
    """The same, with the body."""

    needs_body = True


_CONFIG = f"{__name__}:Config"
TYPES = {
    "noted": PluginType("noted", "1.0", 10, _CONFIG, f"{__name__}:Noted", no_consumer_group=False),
    "reader": PluginType("reader", "1.0", 20, _CONFIG, f"{__name__}:Reader"),
}
