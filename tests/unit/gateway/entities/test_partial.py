# SPDX-License-Identifier: Apache-2.0
"""Which records of plugins partials may stand for."""

from __future__ import annotations

from gateway.entities.partial import PARTIAL_KINDS, Partial, linkable
from gateway.entities.plugin_types import plugin_types
from gateway.entities.shape import shape_of


def test_every_plugin_that_has_a_redis_of_a_known_form_can_be_linked() -> None:
    found = {name: linkable(one.schema) for name, one in plugin_types().items()}
    assert {name: paths for name, paths in found.items() if paths} == {
        "basic-auth": {"config.brute_force_protection.redis": "redis-ce"},
        "idempotency": {"config.redis": "redis-ee"},
        "kafka-quota": {"config.redis": "redis-ce"},
        "proxy-cache-advanced": {"config.redis": "redis-ee"},
        "rate-limiting": {"config.redis": "redis-ce"},
        "rate-limiting-advanced": {"config.redis": "redis-ee"},
        "response-ratelimiting": {"config.redis": "redis-ce"},
    }


def test_a_partials_type_is_one_of_the_kinds() -> None:
    kinds = (shape_of(Partial).fields or {})["type"].one_of
    assert kinds == tuple(PARTIAL_KINDS)
