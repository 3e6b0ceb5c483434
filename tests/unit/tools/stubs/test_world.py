# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from tools.stubs.world import LogEntry, Thing, World

TOPIC = Thing("kafka:Topic", "t-1", "urn::topic", {"name": "t"}, {"name": "t", "id": "t-1"})


def test_what_was_made_is_there_until_it_is_removed_and_the_log_says_both(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.put("create", TOPIC)
    assert World(tmp_path).get("kafka:Topic", "t-1") == TOPIC, "other plugins see it too"
    world.remove("kafka:Topic", "t-1", "urn::topic")
    world.remove("kafka:Topic", "t-1", "urn::topic")
    assert list(world.things()) == []
    assert world.log()[:2] == [
        LogEntry("create", "urn::topic", "t-1"),
        LogEntry("delete", "urn::topic", "t-1"),
    ]


def test_an_edit_behind_the_programs_back_is_in_no_log(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.put("create", TOPIC)
    world.edit(TOPIC, {"name": "other"})
    (thing,) = world.things()
    assert (thing.inputs["name"], thing.outputs["name"]) == ("other", "other")
    assert len(world.log()) == 1
