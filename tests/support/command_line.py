# SPDX-License-Identifier: Apache-2.0
"""Commands against a control plane on the test's own event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from typer.testing import CliRunner, Result

from gateway.commands.command_line import application
from tests.support.control_plane import Place


async def run_against(
    place: Place, *words: str, pipe: str | bytes | None = None, **environment: str
) -> Result:
    """Run a command; the control plane answers meanwhile."""
    url = f"http://127.0.0.1:{place.port('admin')}"
    given: Mapping[str, str] = {"KAFKA_GATEWAY_ADMIN_URL": url, **environment}
    return await asyncio.to_thread(CliRunner().invoke, application(), words, env=given, input=pipe)
