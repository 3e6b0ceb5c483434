# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from inspect import signature

import pytest

from gateway.data_plane.worker.store_client import StoreClient
from gateway.plugins.node_store import LocalStore
from gateway.plugins.redis_store import RedisStore
from gateway.plugins.shared_store import SharedStore, Standing

CALLS = sorted(name for name in vars(SharedStore) if not name.startswith("_"))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("store", [LocalStore, StoreClient, RedisStore])
def test_each_store_is_called_in_the_same_way(store: type, call: str) -> None:
    assert signature(getattr(store, call)) == signature(getattr(SharedStore, call))


def test_what_is_met_is_one_word_on_the_wire() -> None:
    assert {Standing(one.value) for one in Standing} == set(Standing)
