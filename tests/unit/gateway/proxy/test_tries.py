# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.proxy.tries import Tries


def test_each_attempt_is_noted_with_its_address_and_what_became_of_it() -> None:
    tries = Tries()
    tries.failed(502)
    assert tries.rows == []
    tries.begin(80)
    tries.found("10.0.0.1")
    tries.failed(504)
    tries.begin(81)
    first, second = tries.rows
    assert (first["ip"], first["port"], first["state"], first["code"]) == (
        "10.0.0.1", 80, "failed", 504,
    )  # fmt: skip
    assert first["balancer_start"] == first["balancer_start_ns"] // 1_000_000
    assert first["balancer_latency_ns"] >= first["balancer_latency"] >= 0
    assert "state" not in second
    assert "ip" not in second
