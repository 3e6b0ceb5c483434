# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import SchemaViolation
from tests.support.policies import checked


def test_host_and_port_are_all_it_needs() -> None:
    assert checked("tcp-log", host="logs.test", port=9) == {
        "host": "logs.test",
        "port": 9,
        "timeout": 10000,
        "keepalive": 60000,
        "tls": False,
        "tls_sni": None,
        "ssl_verify": False,
        "custom_fields_by_lua": None,
    }


@pytest.mark.parametrize(
    "config",
    [
        {"host": "a"},
        {"port": 1},
        {"host": "a:1", "port": 1},
        {"host": "a", "port": 65536},
        {"host": "a", "port": 1, "tls_sni": "a..b"},
    ],
)
def test_what_cannot_work_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(SchemaViolation):
        checked("tcp-log", **config)
