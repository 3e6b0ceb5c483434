# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway.plugins.produce.delivery_settings import BootstrapServer, Delivering


def test_all_has_kongs_defaults() -> None:
    found = Delivering().model_dump()
    assert found["producer_request_limits_messages_per_request"] == 200
    assert found["producer_async_buffering_limits_messages_in_memory"] == 50000
    assert (found["timeout"], found["producer_request_acks"]) == (10000, 1)


def test_a_broker_has_a_host_and_a_port() -> None:
    with pytest.raises(ValidationError):
        BootstrapServer.model_validate({"host": "a"})
