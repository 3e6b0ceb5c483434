# SPDX-License-Identifier: Apache-2.0
"""The scripts, run by a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from gateway.plugins.limiting.scripts import script
from tests.support.valkey import Valkey, running_valkey


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with running_valkey(tmp_path_factory.mktemp("redis")) as running:
        yield running


def run(server: Valkey, name: str, keys: list[str], *arguments: object) -> list[int]:
    source = script(name).source
    found: list[int] = server.ask("EVAL", source, len(keys), *keys, *arguments)
    return found


def test_fixed_counts_in_all_windows_or_in_none(server: Valkey) -> None:
    keys = ["{a}:1", "{a}:2"]
    assert run(server, "fixed", keys, 2, 3, 60, 2, 9, 60) == [1, 0, 0]
    assert run(server, "fixed", keys, 2, 3, 60, 2, 9, 60) == [0, 2, 2]
    assert server.ask("MGET", *keys) == ["2", "2"]
    assert all(0 < server.ask("TTL", key) <= 60 for key in keys)


def test_a_counter_that_lost_its_time_to_live_gets_one(server: Valkey) -> None:
    server.ask("SET", "b", 1)
    run(server, "fixed", ["b"], 1, 9, 60)
    assert 0 < server.ask("TTL", "b") <= 60


def test_added_adds_or_reads(server: Valkey) -> None:
    assert run(server, "added", ["{c}:1", "{c}:2"], 3, 60, 0, 60) == [3, 0]
    assert server.ask("EXISTS", "{c}:2") == 0
    assert 0 < server.ask("TTL", "{c}:1") <= 60


@pytest.mark.parametrize("name", ["added", "fixed", "sliding"])
def test_a_counter_that_holds_no_number_is_an_error(server: Valkey, name: str) -> None:
    server.ask("SET", "{f}:1", "garbage")
    arguments = {"added": (0, 60, 0, 60), "fixed": (1, 9, 60, 1, 9, 60), "sliding": (0, 9, 1, 60)}
    with pytest.raises(redis.ResponseError):
        run(server, name, ["{f}:1", "{f}:2"], *arguments[name])


def test_sliding_weighs_the_previous_window(server: Valkey) -> None:
    server.ask("SET", "{d}:0", 10)
    keys = ["{d}:1", "{d}:0"]
    assert run(server, "sliding", keys, 0, 10, 1.0, 120) == [0, 0, 10]
    assert run(server, "sliding", keys, 0, 10, 0.5, 120) == [1, 0, 10]
    assert 60 < server.ask("TTL", "{d}:1") <= 120


def test_sliding_may_count_what_is_refused(server: Valkey) -> None:
    keys = ["{e}:1", "{e}:0"]
    assert [run(server, "sliding", keys, 1, 1, 0, 9)[0] for _ in range(3)] == [1, 0, 0]
    assert server.ask("GET", "{e}:1") == "3"
