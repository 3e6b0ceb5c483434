# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.errors import SchemaViolation
from tests.support.policies import checked


def test_host_and_port_are_all_it_needs() -> None:
    assert checked("udp-log", host="logs.test", port=9) == {
        "host": "logs.test",
        "port": 9,
        "timeout": 10000,
        "custom_fields_by_lua": None,
    }
    with pytest.raises(SchemaViolation):
        checked("udp-log", host="a")
