# SPDX-License-Identifier: Apache-2.0
"""Flat names: see also the schema of ``rate-limiting``, whose fields they are."""

from __future__ import annotations

from gateway.redis.flat import WithRedis


def test_a_flat_name_fills_the_record_and_shows_it() -> None:
    found = WithRedis.model_validate({"redis_password": "p", "redis_ssl_verify": True})
    assert found.redis.password == "p"
    assert found.redis.ssl_verify is found.redis_ssl_verify is True
    assert WithRedis().redis_port == 6379


def test_null_says_nothing() -> None:
    assert WithRedis.model_validate({"redis_host": None, "redis": None}) == WithRedis()
