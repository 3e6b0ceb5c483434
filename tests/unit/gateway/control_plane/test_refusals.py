# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import orjson

from gateway.control_plane.delta import RowChange
from gateway.control_plane.refusals import LeftOut, Refusal, entity_of, named, named_in
from gateway.entities.checks import Table

MISSING = "{vault://env/NO_SUCH}"


def consumer(number: int, name: str, tags: list[str] | None = None) -> dict[str, Any]:
    return {"id": f"c{number}", "username": name, "tags": tags}


def refusal(node: str = "n") -> Refusal:
    return Refusal(node, "host", 7, "no", [entity_of("consumers", consumer(1, "ann"))], True)


def test_what_is_refused_together_comes_back_together() -> None:
    left_out = LeftOut()
    one, two, three = (("consumers", f"c{n}") for n in (1, 2, 3))
    change = {key: RowChange(None, consumer(n, "a")) for n, key in enumerate((one, two), 1)}
    left_out.add(change, refusal())
    left_out.add({three: RowChange(None, consumer(3, "b"))}, refusal("other"))
    assert len(left_out.refusals) == 2
    ((_, taken),) = left_out.take([two])
    assert taken == change
    assert one not in left_out
    assert three in left_out
    assert left_out.take([one]) == []
    assert len(left_out.take_of("other")) == 1
    assert len(left_out) == 0


def test_a_configuration_is_sent_with_what_was_before() -> None:
    left_out = LeftOut()
    before, after, new = consumer(1, "before"), consumer(1, "after"), consumer(2, "new")
    table: Table = {"consumers": [after, new]}
    assert left_out.applied(table) is table
    left_out.add({("consumers", "c1"): RowChange(before, after)}, refusal())
    left_out.add({("consumers", "c2"): RowChange(None, new)}, refusal())
    assert left_out.applied(table) == {"consumers": [before]}
    mended: Table = {"consumers": [after, consumer(2, "mended")]}
    assert left_out.changed(mended) == [("consumers", "c2")]
    assert left_out.changed({}) == [("consumers", "c1"), ("consumers", "c2")]


def test_it_is_kept_as_json_and_restored() -> None:
    left_out, again = LeftOut(), LeftOut()
    left_out.add({("consumers", "c1"): RowChange(None, consumer(1, "ann"))}, refusal())
    again.restore(orjson.loads(orjson.dumps(left_out.kept())))
    assert again.kept() == left_out.kept()
    assert again.refusals[0].text == left_out.refusals[0].text


def test_entities_are_named_by_the_references_that_a_reason_names() -> None:
    rows = {("consumers", "c1"): consumer(1, MISSING), ("consumers", "c2"): consumer(2, "b")}
    assert named(f"vault reference {MISSING} does not resolve", rows) == {("consumers", "c1")}
    assert named("no", rows) == set()
    assert named_in(MISSING, {"consumers": list(rows.values())}) == {
        ("consumers", "c1"): rows["consumers", "c1"]
    }


def test_a_refusal_is_told_with_few_names() -> None:
    owned = entity_of("consumers", consumer(1, "ann", ["owner:team-a"]))
    others = [entity_of("consumers", consumer(n, f"x{n}")) for n in range(2, 7)]
    text = Refusal("n", "host", 7, "no such key", [owned, *others], True).text
    assert text.startswith('consumers["ann"] of owner "team-a", consumers["x2"] made through')
    assert text.endswith(" and 3 more: no such key")
