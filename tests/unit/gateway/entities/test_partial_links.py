# SPDX-License-Identifier: Apache-2.0
"""A plugin's settings without the records that its partials stand for."""

from __future__ import annotations

from gateway.entities.partial_links import (
    link_problems,
    linked_ids,
    links_of,
    with_paths,
    with_record,
    without_records,
)
from gateway.entities.plugin_types import plugin_type

RATE, BASIC = plugin_type("rate-limiting").schema, plugin_type("basic-auth").schema
NESTED = "config.brute_force_protection.redis"


def test_a_record_is_put_in_and_taken_out_at_any_depth() -> None:
    config = {"realm": "a", "brute_force_protection": {"strategy": "redis"}}
    whole = with_record(config, NESTED, {"host": "a"})
    assert whole["brute_force_protection"] == {"strategy": "redis", "redis": {"host": "a"}}
    assert without_records(whole, [NESTED], BASIC) == config
    # What was given stays as it is.
    assert config == {"realm": "a", "brute_force_protection": {"strategy": "redis"}}
    assert with_record({}, NESTED, 1) == {"brute_force_protection": {"redis": 1}}


def test_former_names_go_with_their_record() -> None:
    config = {"minute": 1, "redis": {"host": "a"}, "redis_host": "a", "redis_timeout": 1}
    assert without_records(config, ["config.redis"], RATE) == {"minute": 1}


def test_the_only_path_need_not_be_said() -> None:
    assert with_paths([{"id": "a"}], BASIC) == [{"id": "a", "path": NESTED}]
    assert with_paths([{"path": "config.x"}], BASIC) == [{"path": "config.x"}]


def test_links_that_are_none_are_told_elsewhere() -> None:
    assert links_of({"partials": [1, {"id": "a"}]}) == [{"id": "a"}]
    assert links_of({"partials": "x"}) == links_of({}) == []
    assert linked_ids({"partials": [{"id": "a", "path": "config.redis"}]}) == ["a"]


def test_a_record_that_says_something_may_not_stand_beside_its_link() -> None:
    links = [{"id": "a", "path": "config.redis"}]
    for config, wrong in (
        ({"redis": {"port": 6379}}, []),
        ({"redis": None, "redis_port": None}, []),
        ({"redis_port": 6379}, []),
        ({"redis": {"port": 1}}, ["redis"]),
        ({"redis": {"prot": 6379}}, ["redis"]),
        ({"redis_port": 1}, ["redis_port"]),
        (None, []),
    ):
        found = [problem.location[-1] for problem in link_problems(links, config, RATE)]
        assert found == wrong, config
