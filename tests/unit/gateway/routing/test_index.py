# SPDX-License-Identifier: Apache-2.0
"""The index finds what trying every entry in order would find, and tries few."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.routing.conditions import Subject
from gateway.routing.entry import Entry, entries
from gateway.routing.index import Index
from gateway.routing.router import Router
from tests.support.requests import request_of, route_row, subject_of

_HOSTS = ["a.b", "c.a.b", "*.a.b", "*.b", "a.*", "a.b:80", "*.b:80", "a.*:81"]
_PATHS = ["/", "/a", "/ab", "/a/b", "/a/b/c", "~/a/.*", r"~/a/\w+/c", "~/(a|ab)/b$", "~/[a-b]+/b/"]
_SNIS = ["a.b", "*.b", "a.*"]
_HEADERS = st.dictionaries(
    st.sampled_from(["x", "y-z", "Y_z", "w"]),
    st.lists(st.sampled_from(["1", "2", "~*^[12]"]), min_size=1, max_size=2, unique=True),
    max_size=2,
)


def _some(values: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), max_size=3, unique=True)


_ROUTES = st.lists(
    st.builds(
        route_row,
        id=st.uuids(version=4).map(str),
        methods=_some(["GET", "POST", "PUT"]),
        hosts=_some(_HOSTS),
        paths=_some(_PATHS),
        headers=_HEADERS,
        snis=_some(_SNIS),
        regex_priority=st.integers(-1, 2),
    ),
    min_size=8,
    max_size=60,
)
_SUBJECTS = st.lists(
    st.builds(
        subject_of,
        method=st.sampled_from([b"GET", b"POST", b"HEAD"]),
        host=st.sampled_from([None, b"a.b", b"c.a.b", b"a.c", b"x.b"]),
        port=st.sampled_from([80, 81, 8000]),
        path=st.sampled_from([b"/", b"/a", b"/ab/b", b"/a/b", b"/a/b/c", b"/b/b/d", b"/z"]),
        headers=st.dictionaries(
            st.sampled_from([b"x", b"y-z", b"w"]),
            st.lists(st.sampled_from([b"1", b"2", b"3"]), min_size=1, max_size=2),
        ),
        sni=st.sampled_from([None, b"a.b", b"c.b", b"a.x"]),
        tls=st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


def _scan(found: list[Entry], subject: Subject) -> Entry | None:
    return next((entry for entry in found if entry.find(subject, 1 << 62) is not None), None)


@settings(max_examples=150)
@given(_ROUTES, _SUBJECTS)
def test_the_index_agrees_with_a_scan(rows: list[dict[str, Any]], subjects: list[Subject]) -> None:
    found = entries(rows, {})
    index = Index(found)
    for subject in subjects:
        assert index.find(subject) is _scan(found, subject)


SETS: dict[str, tuple[Callable[[int], dict[str, Any]], Callable[[int], dict[str, Any]]]] = {
    "paths": (lambda n: {"paths": [f"/svc{n}/api"]}, lambda n: {"path": b"/svc%d/api/x" % n}),
    "open paths": (lambda n: {"paths": [f"/s{n}"]}, lambda n: {"path": b"/s%d" % n}),
    "hosts and paths": (
        lambda n: {"hosts": [f"h{n // 50}.org"], "paths": [f"/p{n % 50}/"]},
        lambda n: {"host": b"h%d.org" % (n // 50), "path": b"/p%d/" % (n % 50)},
    ),
    "regexes": (
        lambda n: {"paths": [rf"~/svc{n}/(?<id>\d+)$"]},
        lambda n: {"path": b"/svc%d/7" % n},
    ),
    "regexes told apart by a later segment": (
        lambda n: {"paths": [rf"~/[a-z]+/svc{n}/(\d+)"]},
        lambda n: {"path": b"/abc/svc%d/7" % n},
    ),
    "regexes without a whole segment": (
        lambda n: {"paths": [rf"~/[a-z]+/x-{n}-\d+/z"]},
        lambda n: {"path": b"/abc/x-%d-7/z" % n},
    ),
    "wildcard hosts": (
        lambda n: {"hosts": [f"*.h{n}.org"]},
        lambda n: {"host": b"x.h%d.org" % n},
    ),
    "header values": (
        lambda n: {"headers": {"x-tenant": [f"t{n}"]}},
        lambda n: {"headers": {b"x-tenant": [b"t%d" % n]}},
    ),
    "header names": (
        lambda n: {"headers": {f"x-{n}": ["1"]}},
        lambda n: {"headers": {b"x-%d" % n: [b"1"]}},
    ),
    "methods": (
        lambda n: {"methods": [("GET", "PUT", "POST")[n % 3]]},
        lambda n: {"method": (b"GET", b"PUT", b"POST")[n % 3]},
    ),
    "server names": (
        lambda n: {"snis": [f"s{n}.org"], "protocols": ["https"]},
        lambda n: {"sni": b"s%d.org" % n, "tls": True},
    ),
}


@pytest.mark.parametrize("kind", SETS)
def test_a_match_among_thousands_tries_a_handful(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    route, request = SETS[kind]
    index = Index(entries([route_row(**route(n)) for n in range(3000)], {}))
    tried = 0
    original = Entry.find

    def counting(entry: Entry, subject: Subject, limit: int) -> Entry | None:
        nonlocal tried
        tried += 1
        return original(entry, subject, limit)

    monkeypatch.setattr(Entry, "find", counting)
    for number in range(0, 3000, 7):
        assert index.find(subject_of(**request(number))) is not None
    assert tried / 429 < 4


def test_hundreds_of_regexes_that_share_everything_literal_are_told_apart() -> None:
    rows = [route_row(name=str(n), paths=[rf"~/[a-z]+-{n}-\d+"]) for n in range(300)]
    match = Router(rows).match(request_of(b"/abc-123-7"))
    assert match is not None
    assert match.route["name"] == "123"
    assert Router(rows).match(request_of(b"/abc-999-7")) is None
