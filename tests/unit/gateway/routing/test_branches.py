# SPDX-License-Identifier: Apache-2.0
"""The nodes of the index, one by one."""

from __future__ import annotations

from gateway.routing.branches import HeadBranch, HostBranch, Leaf, PathBranch, RegexLeaf
from gateway.routing.entry import Entry, entries
from tests.support.requests import route_row, subject_of

_ALL = 1 << 30


def _entries(*paths: str) -> list[Entry]:
    return entries([route_row(paths=[path]) for path in paths], {})


def test_a_leaf_looks_no_further_than_its_limit() -> None:
    first, second = _entries("/a", "/b")
    leaf = Leaf([first, second])
    subject = subject_of(path=b"/b" if second.plain == (b"/b",) else b"/a")
    assert leaf.find(subject, _ALL) is second
    assert leaf.find(subject, second.rank) is None


def test_many_regexes_are_tried_as_one() -> None:
    found = _entries("~/a/x+$", "~/b/x+$", "~/c/x+$")
    leaf = RegexLeaf(found)
    for entry in found:
        path = entry.patterns[0].source[:3].encode() + b"xx"
        assert leaf.find(subject_of(path=path), _ALL) is entry
    assert leaf.find(subject_of(path=b"/a/y"), _ALL) is None


def test_a_path_is_looked_for_under_all_its_prefixes() -> None:
    entry_of = {entry.plain[0]: entry for entry in _entries("/a", "/a/b")}
    branch = PathBranch({path: Leaf([entry]) for path, entry in entry_of.items()}, None)
    assert branch.find(subject_of(path=b"/a/b/c"), _ALL) is entry_of[b"/a/b"]
    assert branch.find(subject_of(path=b"/a/x"), _ALL) is entry_of[b"/a"]
    assert branch.find(subject_of(path=b"/x"), _ALL) is None


def test_what_has_no_token_is_looked_at_last() -> None:
    (entry,) = _entries("/ab")
    (other,) = _entries("/")
    branch = HeadBranch({b"/ab": Leaf([entry])}, Leaf([other]))
    assert branch.find(subject_of(path=b"/x"), _ALL) is other
    assert branch.find(subject_of(path=b"/x"), other.rank) is None


def test_hosts_are_found_under_their_wildcard_forms() -> None:
    (entry,) = entries([route_row(hosts=["*.b"])], {})
    branch = HostBranch({b"*.b": Leaf([entry])}, None)
    assert branch.find(subject_of(host=b"a.b"), _ALL) is entry
    assert branch.find(subject_of(host=None), _ALL) is None
