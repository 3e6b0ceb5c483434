# SPDX-License-Identifier: Apache-2.0
"""What each storage promises: in test_handler for memory."""

from __future__ import annotations

from gateway.plugins.base import PluginContext
from gateway.plugins.idempotency.schema import Config
from gateway.plugins.idempotency.storage import MemoryStorage, make_storage


def test_a_configuration_names_its_storage() -> None:
    context = PluginContext(producers=None, certificate=lambda _: None)  # type: ignore[arg-type]  # no producer is used
    assert isinstance(make_storage(Config(), context), MemoryStorage)
