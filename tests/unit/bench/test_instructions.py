# SPDX-License-Identifier: Apache-2.0
"""What instructions are counted of: requests that are served, no two alike."""

from __future__ import annotations

import pytest

from bench import in_process, instructions


@pytest.mark.parametrize("case", in_process.CASES)
async def test_each_case_is_served_and_its_records_are_made(case: str) -> None:
    take, transport, sink = await in_process.connection()
    for data in in_process.requests(case, 0, 3):
        take(data)
    assert transport.written == 3
    assert sink.sent == (0 if case.startswith("404") else 3)


def test_no_two_requests_are_alike() -> None:
    for case in in_process.CASES:
        made = list(in_process.requests(case, 0, 50))
        assert len(set(made)) == 50


def test_a_case_that_grew_by_more_than_the_tolerance_is_named() -> None:
    before = {"a": 1000, "b": 1000}
    assert instructions.grown({"a": 1050, "b": 1051, "new": 5}, before) == ["b"]
    assert instructions.report({"b": 1100}, before) == ["b                        1,100  +10.0%"]
