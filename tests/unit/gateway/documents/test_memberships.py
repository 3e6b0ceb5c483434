# SPDX-License-Identifier: Apache-2.0
"""Consumer groups in decK files, from either side, and back from a table."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.documents.deck_lists import keyed
from gateway.documents.document import check_document, from_table, to_table
from gateway.errors import DocumentError

GOLD: dict[str, Any] = {
    "name": "gold",
    "plugins": [{"name": "rate-limiting", "config": {"minute": 5}}],
}
EITHER_SIDE: list[dict[str, Any]] = [
    {
        "consumers": [{"username": "ann", "groups": [{"name": "gold"}]}],
        "consumer_groups": [GOLD],
    },
    {
        "consumers": [{"username": "ann"}],
        "consumer_groups": [{**GOLD, "consumers": [{"username": "ann"}]}],
    },
    {
        "consumers": [{"username": "ann", "groups": [{"name": "gold"}]}],
        "consumer_groups": [{**GOLD, "consumers": [{"username": "ann"}, "ann"]}],
    },
]


@pytest.mark.parametrize("raw", EITHER_SIDE)
def test_both_sides_say_the_same_and_survive_the_way_through_a_table(raw: dict[str, Any]) -> None:
    document = keyed(raw)
    check_document(document)
    assert document["consumers"]["ann"]["consumer_group_consumers"] == {"gold": {}}
    table = to_table(document, "stack", 1)
    (member,) = table["consumer_group_consumers"]
    assert member["consumer_group"] == table["consumer_groups"][0]["id"]
    assert member["consumer"] == table["consumers"][0]["id"]
    assert table["plugins"][0]["consumer_group"] == member["consumer_group"]
    again = from_table(table, "stack")
    assert list(again["consumers"]["ann"]["consumer_group_consumers"]) == ["gold"]
    assert list(again["consumer_groups"]["gold"]["plugins"]) == ["rate-limiting"]
    assert to_table(again, "stack", 2, table) == table


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (
            {"consumers": [{"username": "ann", "groups": [{"name": "gild"}]}], **EITHER_SIDE[1]},
            "",
        ),
        (
            {
                "consumers": [{"username": "ann"}],
                "consumer_groups": [{**GOLD, "consumers": ["anne"]}],
            },
            'consumer_groups["gold"].consumers: "anne" is not one of the consumers of this file',
        ),
        ({"consumers": [{"username": "ann", "groups": [7]}]}, "expected names of consumer groups"),
        (
            {"consumers": [{"username": "ann", "groups": ["gild"]}], "consumer_groups": [GOLD]},
            '"gild" is not one of the consumer_groups',
        ),
        ({"consumers": 7, "consumer_groups": [7]}, "expected a list of entities"),
    ],
)
def test_names_that_nothing_has_are_refused(raw: dict[str, Any], problem: str) -> None:
    if not problem:
        check_document(keyed(raw))
        return
    with pytest.raises(DocumentError) as caught:
        check_document(keyed(raw))
    assert problem in "\n".join(caught.value.problems)
