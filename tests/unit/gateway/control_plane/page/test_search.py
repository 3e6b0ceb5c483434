# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from gateway.control_plane.page.search import FoundPage, Search

ROWS = ["orders api.test", "Payments shop.internal", "refunds shop.internal api.test"]


def asked(query: str, rows: list[str], size: int = 2) -> FoundPage[str]:
    scope = {"type": "http", "path": "/things", "query_string": query.encode(), "headers": []}
    return Search(Request(scope)).among(rows, str, size)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ROWS),
        ("q=", ROWS),
        ("q=ORD", ROWS[:1]),
        ("q=pay", ROWS[1:2]),
        ("q=shop.internal", ROWS[1:]),
        ("q=api.test+shop", ROWS[2:]),
        ("q=api.test+pay", []),
    ],
)
def test_a_search_finds_all_words_wherever_they_are(query: str, found: list[str]) -> None:
    assert asked(query, ROWS, size=9).rows == found


@pytest.mark.parametrize("number", ["0", "-3", "x", "", "²", "1" * 5000])
def test_what_is_no_number_of_a_page_means_the_first(number: str) -> None:
    assert asked(f"page={number}", ROWS).number == 1


def test_a_number_beyond_the_pages_means_the_last() -> None:
    found = asked("page=99", ROWS)
    assert (found.number, found.last, found.rows) == (2, 2, ROWS[2:])


def test_a_list_without_rows_has_one_page() -> None:
    found = asked("page=2&q=none", ROWS)
    assert (found.count, found.number, found.last, found.rows) == (0, 1, 1, [])


def test_a_link_to_another_page_keeps_the_search() -> None:
    assert asked("q=a%26b", ROWS).link(2) == "/things?q=a%26b&page=2"
    assert asked("", ROWS).link(2) == "/things?page=2"


@given(st.lists(st.text(), max_size=30), st.integers(1, 7))
def test_the_pages_together_are_the_list(rows: list[str], size: int) -> None:
    last = asked("", rows, size).last
    pages = [asked(f"page={number}", rows, size) for number in range(1, last + 1)]
    assert [row for page in pages for row in page.rows] == rows
    assert all(len(page.rows) <= size for page in pages)
