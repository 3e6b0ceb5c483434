# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from gateway.redis.script import RedisScript
from tests.support.valkey import running_valkey


def test_the_digest_is_the_servers(tmp_path: Path) -> None:
    script = RedisScript("return 1")
    with running_valkey(tmp_path) as server:
        assert server.ask("SCRIPT", "LOAD", script.source) == script.digest
