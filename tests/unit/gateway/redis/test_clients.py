# SPDX-License-Identifier: Apache-2.0
"""Plugins that name the same server share its connections, and the last one closes them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

from gateway.entities.redis_settings import RedisSettings
from gateway.redis.clients import RedisClients
from gateway.redis.target import target_of

TARGET = target_of(RedisSettings(host="127.0.0.1", port=1))


async def test_equal_targets_share_a_client_until_the_last_is_released() -> None:
    clients = RedisClients()
    first, second = clients.get(TARGET), clients.get(TARGET)
    other = clients.get(replace(TARGET, database=1))
    assert first is second is not other
    clients.release(first)
    assert clients.get(TARGET) is first
    clients.release(first)
    clients.release(first)
    assert clients.targets == 1
    assert clients.get(TARGET) is not first
    await clients.close()
    assert clients.targets == 0


def test_the_library_is_not_loaded_without_a_client() -> None:
    code = "import sys, gateway.plugins.base; sys.exit('redis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
