# SPDX-License-Identifier: Apache-2.0
"""How the index chooses by what to part entries."""

from __future__ import annotations

from gateway.routing.dimensions import Heads, Hosts, Methods, Paths, Snis
from gateway.routing.entry import entries
from tests.support.requests import route_row

_NO_HEADERS: frozenset[bytes] = frozenset()


def test_entries_without_the_attribute_are_kept_apart() -> None:
    found = entries([route_row(hosts=["a.b"]), route_row(paths=["/x"])], {})
    grouping = Hosts().group(found, _NO_HEADERS, tls=False)
    assert grouping is not None
    assert set(grouping.groups) == {b"a.b"}
    assert [entry.hosts for entry in grouping.rest] == [None]
    assert Methods().group(found, _NO_HEADERS, tls=False) is None


def test_server_names_part_only_over_tls() -> None:
    found = entries([route_row(snis=["a.b"])], {})
    assert Snis().group(found, _NO_HEADERS, tls=False) is None
    assert Snis().group(found, _NO_HEADERS, tls=True) is not None


def test_an_entry_with_very_many_tokens_is_kept_apart() -> None:
    found = entries([route_row(hosts=[f"h{number}" for number in range(40)])], {})
    assert Hosts().group(found, _NO_HEADERS, tls=False) is None


def test_nested_prefixes_cost_more_than_separate_ones() -> None:
    nested = entries([route_row(paths=[path]) for path in ("/a", "/a/b", "/a/b/c")], {})
    apart = entries([route_row(paths=[path]) for path in ("/a", "/b", "/c")], {})
    costs = [Paths().group(found, _NO_HEADERS, tls=False) for found in (nested, apart)]
    assert costs[0] is not None
    assert costs[1] is not None
    assert costs[0].cost > costs[1].cost


def test_heads_are_as_long_as_most_entries_have() -> None:
    found = entries([route_row(paths=[f"/api/{number}"]) for number in range(10, 40)], {})
    grouping = Heads().group(found, _NO_HEADERS, tls=False)
    assert grouping is not None
    assert {len(token) for token in grouping.groups} == {7}
